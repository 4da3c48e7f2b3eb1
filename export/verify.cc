#include "export/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "adapters/adapter_trust.h"
#include "adapters/lora_adapter.h"
#include "backbone/backbone.h"
#include "backbone/torch.h"
#include "core/document.h"
#include "core/error.h"
#include "core/files.h"
#include "core/gguf.h"
#include "data/source.h"
#include "data/split.h"
#include "eval/encode.h"
#include "eval/evaluate.h"
#include "export/gguf_adapter_reader.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFaults = 8;  // that are shown
constexpr size_t kTail = 16;       // tokens of a row whose logits are compared
constexpr int64_t kTokensPerPass = 1024;

// Of the greatest difference of logits over the greatest logit. Random tiny models of every family,
// whose weights are far larger than trained ones, stay below.
double tolerance_of(GgmlType type) {
  switch (type) {
    case GgmlType::kF32:
      return 1e-4;
    case GgmlType::kF16:
      return 1e-2;
    case GgmlType::kBF16:
    case GgmlType::kQ8_0:
      return 0.1;
    case GgmlType::kQ5_0:
    case GgmlType::kQ5_1:
      return 0.3;
    default:
      return 0.6;
  }
}

GgmlType coarsest(const std::vector<GgmlType>& types) {
  return *std::ranges::max_element(types, {}, tolerance_of);
}

GgmlType type_of(const fs::path& path, ExportKind kind) {
  std::vector<GgmlType> types = {GgmlType::kF32};
  if (kind == ExportKind::kPeft) {
    const SafetensorsFile file(path / "adapter_model.safetensors");
    for (const auto& entry : file.entries()) {
      types.push_back(weight_type(entry.dtype).value_or(GgmlType::kF32));
    }
  } else if (kind == ExportKind::kGgufAdapter) {
    const GgufFile file(path);
    for (const GgufTensor& tensor : file.tensors()) types.push_back(tensor.type);
  } else {
    for (const StoredTensor& tensor : open_model(path).tensors) {
      types.push_back(tensor.type.value_or(GgmlType::kF32));
    }
  }
  return coarsest(types);
}

std::string category_of(const VerifyRequest& request) {
  if (!request.category.empty()) return request.category;
  const fs::path manifest = fs::path(request.adapter) / "telora.json";
  if (fs::exists(manifest)) {
    Fields fields(Document::parse_json(read_text(manifest), manifest.string()));
    return fields.string("category");
  }
  fail(ErrorKind::kUsage, {.file = "--category", .field = {}}, "none, and the adapter names none",
       "the category whose rows are asked");
}

// The last tokens of each row: [rows · kTail at most, V] float32.
at::Tensor tail_logits(const Decoder& decoder, const std::vector<std::vector<int32_t>>& rows) {
  const at::NoGradGuard no_gradient;
  std::vector<at::Tensor> logits;
  for (size_t begin = 0; begin < rows.size();) {
    RowPacker packer;
    std::vector<int64_t> wanted;
    do {
      const std::vector<int32_t>& row = rows[begin++];
      const int64_t first = packer.row_begin(packer.add(row));
      for (size_t i = row.size() - std::min(kTail, row.size()); i < row.size(); ++i) {
        wanted.push_back(first + static_cast<int64_t>(i));
      }
    } while (begin < rows.size() &&
             packer.tokens() + static_cast<int64_t>(rows[begin].size()) <= kTokensPerPass);
    logits.push_back(decoder.logits(decoder.hidden(packer.finish(), at::tensor(wanted))));
  }
  return at::cat(logits);
}

// What one model says to the held-out rows.
struct Replies {
  at::Tensor logits;
  std::vector<Prediction> answers;
};

class Verifier {
 public:
  explicit Verifier(const VerifyRequest& request)
      : request_(request),
        category_(find_category(category_of(request))),
        kind_(find_export_kind(request.against)),
        backbone_(load_backbone(request.backbone, at::kFloat)),
        trained_(read_adapter(request.adapter, linear_modules(backbone_->decoder.spec()))) {
    if (!request.accept_risk) {
      require_trust(request.adapter, trained_, backbone_->weights_digest,
                    "--accept-risk takes it all the same");
    }
    ask();
  }

  Verification run() {
    Verification result{.kind = kind_, .tolerance = tolerance_of(type_of(request_.against, kind_))};
    result.faults = faults();
    const Replies base = replies(*backbone_, nullptr, "base");
    const Replies wanted = replies(*backbone_, &trained_, "adapter");
    result.base = compare_logits(base.logits, wanted.logits);
    if (result.base.largest == 0) result.faults.push_back("the adapter changes no logit at all");
    const Replies found = exported();
    compare(found, wanted, result);
    return result;
  }

 private:
  void ask() {
    data_ = load_category(find_source(request_.data), category_);
    std::vector<size_t> rows =
        make_split(data_.examples, category_, kDefaultSplitMethod, kDefaultSplitSeed).validation;
    rows.resize(std::min(rows.size(), static_cast<size_t>(std::max<int64_t>(1, request_.rows))));
    encoded_ = ExampleEncoder(category_, *backbone_, category_.max_length)
                   .encode_all(data_.examples, rows);
    for (const EncodedExample& example : encoded_) {
      prompts_.push_back(example.prompt);
      prompts_.back().insert(prompts_.back().end(), example.target.begin(), example.target.end());
    }
  }

  bool is_adapter() const {
    return kind_ == ExportKind::kPeft || kind_ == ExportKind::kGgufAdapter;
  }

  std::vector<std::string> faults() const {
    if (is_adapter()) {
      return adapter_faults(request_.against, kind_, trained_, backbone_->decoder.spec());
    }
    return merged_faults(request_.against, backbone_->source.path, trained_);
  }

  Replies replies(Backbone& backbone, const AdapterFile* file, const std::string& stage) {
    std::optional<LoraAdapter> adapter;
    if (file != nullptr) {
      adapter.emplace(LoraAdapter::from_file(*file));
      adapter->attach(backbone.decoder);
    }
    EvaluationOptions options;
    options.selection = false;
    options.max_new_tokens = category_.max_new_tokens;
    options.progress = [&](int64_t done) {
      if (request_.progress) request_.progress(stage, done, std::ssize(encoded_));
    };
    Replies result{tail_logits(backbone.decoder, prompts_),
                   evaluate(backbone, category_, data_.examples, encoded_, options).predictions};
    LoraAdapter::detach(backbone.decoder);
    return result;
  }

  // One model at a time is in memory.
  Replies exported() {
    if (is_adapter()) {
      const DecoderSpec& spec = backbone_->decoder.spec();
      const AdapterFile file = kind_ == ExportKind::kPeft
                                   ? read_adapter(request_.against, linear_modules(spec))
                                   : read_gguf_adapter(request_.against, spec);
      return replies(*backbone_, &file, "export");
    }
    backbone_.reset();
    Backbone merged = load_backbone(request_.against, at::kFloat);
    return replies(merged, nullptr, "export");
  }

  void compare(const Replies& found, const Replies& wanted, Verification& result) const {
    result.found = compare_logits(found.logits, wanted.logits);
    if (result.found.relative > result.tolerance) {
      result.faults.push_back(
          fmt::format("logits differ by {:.2g} of the greatest, allowed for this format is {:.2g}",
                      result.found.relative, result.tolerance));
    }
    result.answers = std::ssize(wanted.answers);
    for (size_t i = 0; i < wanted.answers.size(); ++i) {
      result.same_answers += found.answers.at(i).predicted == wanted.answers[i].predicted;
    }
  }

  const VerifyRequest& request_;
  const Category& category_;
  ExportKind kind_;
  std::optional<Backbone> backbone_;
  AdapterFile trained_;
  DataSet data_;
  std::vector<EncodedExample> encoded_;
  std::vector<std::vector<int32_t>> prompts_;
};

std::string_view kind_words(ExportKind kind) {
  switch (kind) {
    case ExportKind::kPeft:
      return "PEFT adapter";
    case ExportKind::kGgufAdapter:
      return "GGUF adapter";
    case ExportKind::kMergedFolder:
      return "merged model folder";
    case ExportKind::kMergedGguf:
      return "merged GGUF model";
  }
  return "";
}

std::string row(std::string_view name, const LogitsAgreement& a) {
  return fmt::format("  {:<24}{:>12.3g}{:>12.3g}{:>12.3g}{:>12.3g}{:>11.1f} %\n", name, a.largest,
                     a.relative, a.mean, a.divergence, 100 * a.argmax);
}

}  // namespace

Verification verify_export(const VerifyRequest& request) { return Verifier(request).run(); }

std::string render_verification(const Verification& v) {
  std::string text =
      fmt::format("{} against the adapter as trained, {} tokens of held-out rows\n\n",
                  kind_words(v.kind), v.found.tokens);
  text += fmt::format("  {:<24}{:>12}{:>12}{:>12}{:>12}{:>13}\n", "logits", "largest", "relative",
                      "mean", "KL", "same argmax");
  text += row("what was exported", v.found) + row("base without adapter", v.base);
  text += fmt::format("\n  allowed: relative {:.2g}; same answers to {} of {} questions\n",
                      v.tolerance, v.same_answers, v.answers);
  for (size_t i = 0; i < std::min(kMostFaults, v.faults.size()); ++i) {
    text += "  fault: " + v.faults[i] + "\n";
  }
  if (v.faults.size() > kMostFaults) {
    text += fmt::format("  … and {} more\n", v.faults.size() - kMostFaults);
  }
  return text + (v.passed() ? "\nIt acts as trained.\n" : "\nIt does not act as trained.\n");
}

}  // namespace telora
