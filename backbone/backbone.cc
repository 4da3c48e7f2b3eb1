#include "backbone/backbone.h"

#include <fmt/ranges.h>

#include <cstdlib>

#include "backbone/product_type.h"
#include "core/document.h"
#include "core/embedded.h"
#include "core/gguf.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

struct KnownBackbone {
  std::string name, file, chat_format;
};

std::vector<KnownBackbone> known_backbones() {
  const std::string file = "configs/backbones.yaml";
  const Document document = Document::parse_yaml(embedded_file(file), file);
  Fields root(document);
  std::vector<KnownBackbone> all;
  for (Fields& row : root.objects("backbones")) {
    all.push_back({row.string("name"), row.string("file"), row.string("chat_format")});
    row.ignore("source");
    row.finish();
  }
  root.finish();
  return all;
}

// Folders that may hold model files, most specific first.
std::vector<fs::path> model_folders() {
  std::vector<fs::path> folders;
  if (const char* folder = std::getenv("TELORA_MODELS")) return {folder};
  folders.emplace_back("models");
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  // build/<preset>/bin/<program> of a checkout
  if (!ignored) folders.push_back(program.parent_path() / "../../../models");
  if (const char* data = std::getenv("XDG_DATA_HOME")) {
    folders.push_back(fs::path(data) / "telora/models");
  } else if (const char* home = std::getenv("HOME")) {
    folders.push_back(fs::path(home) / ".local/share/telora/models");
  }
  return folders;
}

fs::path find_model_file(const KnownBackbone& backbone) {
  std::string looked;
  for (const fs::path& folder : model_folders()) {
    if (fs::exists(folder / backbone.file)) return (folder / backbone.file).lexically_normal();
    looked += (looked.empty() ? "" : ", ") + folder.lexically_normal().string();
  }
  fail(ErrorKind::kMissing, {backbone.file, ""}, "no such file in " + looked,
       "the file of backbone " + backbone.name,
       "run tools/setup.sh, set TELORA_MODELS, or give --backbone a folder or .gguf file");
}

bool looks_like_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".gguf") || fs::exists(name);
}

void check_vocabulary(const Backbone& backbone) {
  const int64_t rows = backbone.decoder.spec().vocab;
  if (backbone.tokenizer.size() <= rows) return;
  fail(ErrorKind::kData, {backbone.source.path.string(), "vocabulary"},
       fmt::format("{} tokens", backbone.tokenizer.size()),
       fmt::format("at most {} (embedding rows)", rows),
       "tokenizer and weights belong to different models");
}

}  // namespace

BackboneSource find_backbone(const std::string& name) {
  std::vector<std::string> names;
  for (const KnownBackbone& known : known_backbones()) {
    if (known.name == name) return {name, find_model_file(known), known.chat_format};
    names.push_back(known.name);
  }
  if (looks_like_path(name)) {
    if (!fs::exists(name)) {
      fail(ErrorKind::kMissing, {name, ""}, "no such file or folder",
           "a model folder or .gguf file");
    }
    return {name, name, ""};
  }
  fail(ErrorKind::kUsage, {"--backbone", ""}, "'" + name + "'",
       fmt::format("a folder, a .gguf file, or one of: {}", fmt::join(names, ", ")));
}

Tokenizer read_tokenizer(const fs::path& path) {
  if (fs::is_directory(path)) return Tokenizer::from_folder(path);
  return path.extension() == ".model" ? Tokenizer::from_sentencepiece(path)
                                      : Tokenizer::from_gguf(GgufFile(path));
}

ChatFormat chat_format_for(const BackboneSource& source, const Tokenizer& tokenizer,
                           const DecoderSpec& spec) {
  const std::string_view family =
      source.chat_format.empty() ? family_chat_format(spec.architecture) : source.chat_format;
  return chat_template_for(tokenizer, family);
}

at::ScalarType frozen_type(const std::string& precision) {
  return precision == "f32" ? at::kFloat : at::kBFloat16;
}

Decoder load_decoder(const std::string& name, at::ScalarType dtype, at::Device device) {
  const Checkpoint checkpoint = Checkpoint::open(find_backbone(name).path);
  return {checkpoint.spec(), checkpoint.load_all(dtype, product_type(dtype, device)), dtype,
          device};
}

Backbone load_backbone(const std::string& name, at::ScalarType dtype,
                       const std::string& chat_template, at::Device device) {
  const BackboneSource source = find_backbone(name);
  const Checkpoint checkpoint = Checkpoint::open(source.path);
  Tokenizer tokenizer = read_tokenizer(source.path);
  const ChatFormat format = chat_template.empty()
                                ? chat_format_for(source, tokenizer, checkpoint.spec())
                                : chat_template_by_name(chat_template);
  LoadedWeights weights = checkpoint.load_with_digest(dtype, product_type(dtype, device));
  Backbone backbone{source, Decoder(checkpoint.spec(), weights.tensors, dtype, device),
                    std::move(tokenizer), format, std::move(weights.digest)};
  check_vocabulary(backbone);
  return backbone;
}

}  // namespace telora
