#include "export/provenance.h"

#include <fmt/format.h>

#include "core/digest.h"
#include "core/document.h"
#include "core/files.h"
#include "core/gguf.h"
#include "export/model_card.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

// Models for tests have none.
bool has_tokenizer(const fs::path& model) {
  if (!fs::is_directory(model)) {
    const GgufFile file(model);
    return !file.has("tokenizer.ggml.model") || file.string("tokenizer.ggml.model") != "no_vocab";
  }
  return fs::exists(model / "tokenizer.json") || fs::exists(model / "tokenizer.model");
}

void add_tokenizer_facts(const fs::path& model, Provenance& provenance) {
  if (!has_tokenizer(model)) return;
  const Tokenizer tokenizer = read_tokenizer(model);
  provenance.emplace_back("sha256.tokenizer", tokenizer.digest());
  if (const auto digest = template_digest(tokenizer)) {
    provenance.emplace_back("sha256.template", *digest);
  }
  provenance.emplace_back("vocabulary_size", fmt::format("{}", tokenizer.size()));
}

void add_run_facts(const fs::path& adapter, Provenance& provenance) {
  const fs::path path = adapter / "telora.json";
  if (!fs::exists(path)) return;
  Fields manifest(Document::parse_json(read_text(path), path.string()));
  for (const char* key : {"telora", "category", "backbone"}) {
    if (manifest.has(key)) provenance.emplace_back(key, manifest.string(key));
  }
  Fields digests = manifest.object("sha256");
  for (const char* key : {"data", "split", "recipe"}) {
    if (digests.has(key))
      provenance.emplace_back(std::string("sha256.") + key, digests.string(key));
  }
}

}  // namespace

Provenance provenance_of(const fs::path& adapter, const BackboneSource& base,
                         const std::string& weights_digest) {
  Provenance provenance = {{"sha256.weights", weights_digest}};
  add_tokenizer_facts(base.path, provenance);
  provenance.emplace_back("sha256.adapter", sha256_file(adapter / "adapter_model.safetensors"));
  add_run_facts(adapter, provenance);
  return provenance;
}

std::string license_of(const BackboneSource& base) {
  if (fs::is_directory(base.path)) {
    const fs::path card = base.path / "README.md";
    return fs::exists(card) ? card_field(read_text(card), "license") : "";
  }
  const GgufFile file(base.path);
  return file.has("general.license") ? file.string("general.license") : "";
}

}  // namespace telora
