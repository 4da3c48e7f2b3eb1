#include "export/bundle.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/adapter_trust.h"
#include "adapters/lora_adapter.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "eval/prompt_batch.h"
#include "export/bundle_manifest.h"
#include "export/gguf_adapter.h"
#include "export/gguf_adapter_reader.h"
#include "export/staged_folder.h"
#include "export/verify_changes.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr const char* kGgufFile = "adapter.gguf";
constexpr const char* kManifestFile = "manifest.json";
constexpr const char* kSumsFile = "SHA256SUMS";

AdapterFile read_form(const fs::path& folder, const std::string& form, const DecoderSpec& spec) {
  return form == "gguf" ? read_gguf_adapter(folder / kGgufFile, spec)
                        : read_adapter(folder, linear_modules(spec));
}

// Greedy answers to prompts, with this adapter.
std::vector<Continuation> answers_of(Backbone& backbone, const AdapterFile& file,
                                     const std::vector<std::vector<int32_t>>& prompts,
                                     const std::vector<int32_t>& stop, int64_t max_new_tokens) {
  LoraAdapter adapter = LoraAdapter::from_file(file);
  adapter.attach(backbone.decoder);
  std::vector<EncodedExample> encoded;
  std::vector<AnswerRequest> requests;
  for (const std::vector<int32_t>& prompt : prompts) {
    requests.push_back({.prompt = encoded.size()});
    encoded.push_back({.prompt = prompt, .target = {}, .completions = {}});
  }
  PromptBatch batch(backbone.decoder, PromptBatch::rows_of(encoded), max_new_tokens);
  std::vector<Continuation> answers =
      batch.generate({stop, backbone.tokenizer.size(), max_new_tokens}, std::move(requests));
  LoraAdapter::detach(backbone.decoder);
  return answers;
}

class BundleWriter {
 public:
  explicit BundleWriter(const BundleRequest& request)
      : request_(request),
        backbone_(load_backbone(request.backbone, at::kFloat)),
        trained_(read_adapter(request.adapter, linear_modules(backbone_.decoder.spec()))),
        held_out_(with_run_category(request.asked, request.adapter), backbone_) {
    if (!request.accept_risk) {
      require_trust(request.adapter, trained_, backbone_.weights_digest,
                    "--accept-risk takes it all the same");
    }
  }

  void run() {
    StagedFolder staged(request_.out);
    BundleManifest manifest = described();
    write_form(staged.path(), manifest.origin);
    require_same_change(staged.path());
    publish(staged.path() / "README.md", readme(manifest));
    add_prompts(staged.path(), manifest);
    add_files(staged.path(), manifest);
    write_bundle_manifest(staged.path() / kManifestFile, manifest);
    write_sums(staged.path());
    staged.publish();
  }

 private:
  BundleManifest described() const {
    return {.category = held_out_.category().name,
            .backbone = backbone_.source.name,
            .form = request_.form,
            .chat_template = std::string(chat_template_name(backbone_.chat_format)),
            .max_new_tokens = held_out_.category().max_new_tokens,
            .stop = backbone_.tokenizer.end_of_turn_ids(),
            .origin = provenance_of(request_.adapter, backbone_.source, backbone_.weights_digest),
            .files = {},
            .prompts = {}};
  }

  void write_form(const fs::path& folder, const Provenance& origin) const {
    const DecoderSpec& spec = backbone_.decoder.spec();
    if (request_.form == "gguf") {
      return write_gguf_adapter(folder / kGgufFile, trained_, spec, GgmlType::kF32, origin);
    }
    if (request_.form != "peft") {
      fail(ErrorKind::kUsage, {.file = "--form", .field = {}}, printable(request_.form, 40),
           "gguf or peft");
    }
    AdapterFile file = trained_;
    for (const auto& [key, value] : origin) file.metadata["telora." + key] = value;
    write_adapter(folder, file, Dtype::kF32);
  }

  void require_same_change(const fs::path& folder) const {
    const bool gguf = request_.form == "gguf";
    const std::vector<std::string> faults = adapter_faults(
        gguf ? folder / kGgufFile : folder, gguf ? ExportKind::kGgufAdapter : ExportKind::kPeft,
        trained_, backbone_.decoder.spec());
    if (faults.empty()) return;
    fail(ErrorKind::kIntegrity, {request_.out, {}}, faults.front(), "what acts as trained");
  }

  void add_prompts(const fs::path& folder, BundleManifest& manifest) {
    const std::vector<std::vector<int32_t>> prompts = held_out_.questions();
    const AdapterFile file = read_form(folder, request_.form, backbone_.decoder.spec());
    const std::vector<Continuation> answers =
        answers_of(backbone_, file, prompts, manifest.stop, manifest.max_new_tokens);
    for (size_t i = 0; i < prompts.size(); ++i) {
      manifest.prompts.push_back({.text = text_of(prompts[i]),
                                  .ids = prompts[i],
                                  .answer = backbone_.tokenizer.decode(answers[i].ids),
                                  .answer_ids = answers[i].ids});
    }
  }

  // Empty where the text does not lead back to the ids: a SentencePiece model drops some blanks.
  std::string text_of(const std::vector<int32_t>& ids) const {
    std::string text = backbone_.tokenizer.decode(ids, false);
    return backbone_.tokenizer.encode(text) == ids ? text : "";
  }

  static void add_files(const fs::path& folder, BundleManifest& manifest) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      manifest.files.push_back({.name = entry.path().filename().string(),
                                .bytes = static_cast<int64_t>(entry.file_size()),
                                .sha256 = sha256_file(entry.path())});
    }
    std::ranges::sort(manifest.files, {}, &BundleFile::name);
  }

  // As `sha256sum --check` reads it.
  static void write_sums(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    std::string text;
    for (const std::string& name : names) {
      text += fmt::format("{}  {}\n", sha256_file(folder / name), name);
    }
    publish(folder / kSumsFile, text);
  }

  std::string readme(const BundleManifest& manifest) const {
    const std::string weights = origin_of(manifest, "sha256.weights");
    std::string text = fmt::format(
        "# LoRA adapter for {} on {}\n\n"
        "Only for the base model with weights `{}`.\n\n"
        "    sha256sum --check {}\n"
        "    lora-export check . --backbone MODEL\n\n",
        manifest.category, manifest.backbone, weights, kSumsFile);
    if (manifest.form == "gguf") {
      text += fmt::format(
          "llama.cpp: `llama-server --model MODEL.gguf --lora {}`. manifest.json holds prompts, "
          "their token ids and the answers to expect. Rounding of a runtime's own may change an "
          "answer where two tokens are nearly as likely.\n",
          kGgufFile);
    }
    const auto stated = [](const std::string& name) { return name.empty() ? "not stated" : name; };
    return text + fmt::format("\nLicence of the adapter: {}; of the base model: {}\n",
                              stated(request_.license), stated(license_of(backbone_.source)));
  }

  const BundleRequest& request_;
  Backbone backbone_;
  AdapterFile trained_;
  HeldOut held_out_;
};

class BundleChecker {
 public:
  BundleChecker(fs::path folder, const std::string& backbone)
      : folder_(std::move(folder)),
        manifest_(read_bundle_manifest(folder_ / kManifestFile)),
        backbone_(load_backbone(backbone, at::kFloat)) {}

  BundleCheck run() {
    check_files();
    check_origin("sha256.weights", backbone_.weights_digest);
    check_origin("sha256.tokenizer", backbone_.tokenizer.digest());
    check_origin("sha256.template", template_digest(backbone_.tokenizer).value_or(""));
    if (result_.faults.empty()) check_prompts();
    return std::move(result_);
  }

 private:
  void check_files() {
    for (const BundleFile& file : manifest_.files) {
      ++result_.files;
      const fs::path path = folder_ / file.name;
      const std::string found = fs::exists(path) ? sha256_file(path) : "none";
      if (found == file.sha256) continue;
      result_.faults.push_back(
          fmt::format("{}: SHA-256 {}, {} in the manifest", file.name, found, file.sha256));
    }
  }

  void check_origin(const std::string& key, const std::string& found) {
    const std::string wanted = origin_of(manifest_, key);
    if (wanted.empty() || wanted == found) return;
    result_.faults.push_back(fmt::format("{} of {}: {}, the bundle is for {}", key,
                                         backbone_.source.name, found.empty() ? "none" : found,
                                         wanted));
  }

  void check_prompts() {
    std::vector<std::vector<int32_t>> prompts;
    for (const BundlePrompt& prompt : manifest_.prompts) {
      require_ids(prompt.ids);
      require_ids(prompt.answer_ids);
      prompts.push_back(prompt.ids);
    }
    const AdapterFile file = read_form(folder_, manifest_.form, backbone_.decoder.spec());
    const std::vector<Continuation> answers =
        answers_of(backbone_, file, prompts, manifest_.stop, manifest_.max_new_tokens);
    for (size_t i = 0; i < prompts.size(); ++i) check_prompt(i, answers[i]);
  }

  void require_ids(const std::vector<int32_t>& ids) const {
    for (const int32_t id : ids) {
      if (id < backbone_.tokenizer.size()) continue;
      fail(ErrorKind::kData, {(folder_ / kManifestFile).string(), "prompts"},
           fmt::format("token id {}", id), fmt::format("less than {}", backbone_.tokenizer.size()));
    }
  }

  void check_prompt(size_t i, const Continuation& answer) {
    const BundlePrompt& prompt = manifest_.prompts[i];
    ++result_.prompts;
    if (!prompt.text.empty() && backbone_.tokenizer.encode(prompt.text) != prompt.ids) {
      result_.faults.push_back(fmt::format("prompt {}: its text has other token ids", i + 1));
    }
    if (answer.ids == prompt.answer_ids) {
      ++result_.same_answers;
      return;
    }
    result_.faults.push_back(fmt::format("prompt {}: answered \"{}\", expected \"{}\"", i + 1,
                                         printable(backbone_.tokenizer.decode(answer.ids), 60),
                                         printable(prompt.answer, 60)));
  }

  fs::path folder_;
  BundleManifest manifest_;
  Backbone backbone_;
  BundleCheck result_;
};

}  // namespace

void write_bundle(const BundleRequest& request) { BundleWriter(request).run(); }

BundleCheck check_bundle(const std::string& folder, const std::string& backbone) {
  return BundleChecker(folder, backbone).run();
}

}  // namespace telora
