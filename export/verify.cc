#include "export/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "adapters/adapter_trust.h"
#include "backbone/backbone.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "core/gguf.h"
#include "export/gguf_adapter_reader.h"
#include "export/llama_cpp.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFaults = 8;           // of modules, that are shown
constexpr double kStrengthTolerance = 0.4;  // of an adapter in llama.cpp, with its rounding

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

// llama.cpp keeps keys and values in 16 bits, and multiplies quantised weights by activations that
// it rounds to 8 bits.
double runtime_tolerance(const fs::path& model) {
  const GgufFile file(model);
  const auto is_quantised = [](const GgufTensor& tensor) {
    return tolerance_of(tensor.type) > tolerance_of(GgmlType::kF16);
  };
  return std::ranges::any_of(file.tensors(), is_quantised) ? 0.1 : 0.02;
}

// llama.cpp reads nothing else.
void require_gguf(const VerifyRequest& request) {
  const ExportKind kind = find_export_kind(request.against);
  if (kind == ExportKind::kMergedGguf) return;
  const fs::path model = find_backbone(request.backbone).path;
  if (kind == ExportKind::kGgufAdapter && !fs::is_directory(model)) return;
  fail(ErrorKind::kUsage, {.file = "--runtime", .field = {}},
       fmt::format("a {} on {}", kind_words(kind), model.filename().string()), "GGUF files",
       "export gguf for a .gguf backbone, or merged-gguf");
}

std::vector<std::string> shortened(std::vector<std::string> faults) {
  if (faults.size() <= kMostFaults) return faults;
  const size_t more = faults.size() - kMostFaults;
  faults.resize(kMostFaults);
  faults.push_back(fmt::format("… and {} more modules", more));
  return faults;
}

int64_t count_correct(const std::vector<Prediction>& answers) {
  return std::ranges::count_if(answers, &Prediction::correct);
}

// The factor by which the adapter's change of the logits, `wanted`, fits the one that was found
// best, in the sense of least squares.
double strength_of(const at::Tensor& found, const at::Tensor& wanted) {
  return (found * wanted).sum(at::kDouble).item<double>() /
         wanted.square().sum(at::kDouble).item<double>();
}

Compared compared(const Replies& found, const Replies& wanted, const Replies& base,
                  double tolerance) {
  Compared result{.logits = compare_logits(found.logits, wanted.logits),
                  .tolerance = tolerance,
                  .strength = strength_of(found.logits - base.logits, wanted.logits - base.logits),
                  .correct = count_correct(found.answers)};
  for (size_t i = 0; i < wanted.answers.size(); ++i) {
    result.same_answers += found.answers.at(i).predicted == wanted.answers[i].predicted;
  }
  return result;
}

class Verifier {
 public:
  explicit Verifier(const VerifyRequest& request)
      : request_(request),
        kind_(find_export_kind(request.against)),
        backbone_(load_backbone(request.backbone, at::kFloat)),
        trained_(read_adapter(request.adapter, linear_modules(backbone_->decoder.spec()))),
        held_out_(with_run_category(request.asked, request.adapter), *backbone_) {
    if (!request.accept_risk) {
      require_trust(request.adapter, trained_, backbone_->weights_digest,
                    "--accept-risk takes it all the same");
    }
  }

  Verification run() {
    Verification result{
        .kind = kind_, .faults = shortened(faults()), .questions = held_out_.size()};
    const Replies base = replies(*backbone_, nullptr, "base");
    const Replies wanted = replies(*backbone_, &trained_, "adapter");
    result.correct = count_correct(wanted.answers);
    result.base = compared(base, wanted, base, 0);
    if (result.base.logits.largest == 0) {
      result.faults.push_back("the adapter changes no logit at all");
    }
    if (request_.in_llama_cpp) ask_llama(wanted, base, result);
    result.exported =
        compared(exported(result), wanted, base, tolerance_of(type_of(request_.against, kind_)));
    add_fault(result.exported, "", result);
    return result;
  }

 private:
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
    return held_out_.ask(backbone, file, [&](int64_t done) { progress(stage, done); });
  }

  void progress(const std::string& stage, int64_t done) const {
    if (request_.progress) request_.progress(stage, done, held_out_.size());
  }

  void add_base_fault(const AdapterFile& file, Verification& result) const {
    const bool peft = kind_ == ExportKind::kPeft;
    const auto found = file.metadata.find(peft ? "telora.sha256.weights" : "sha256.weights");
    if (found == file.metadata.end() || found->second == backbone_->weights_digest) return;
    result.faults.push_back(fmt::format("it names base weights {}, this backbone's are {}",
                                        printable(found->second, 64), backbone_->weights_digest));
  }

  // One model at a time is in memory.
  Replies exported(Verification& result) {
    if (is_adapter()) {
      const DecoderSpec& spec = backbone_->decoder.spec();
      const AdapterFile file = kind_ == ExportKind::kPeft
                                   ? read_adapter(request_.against, linear_modules(spec))
                                   : read_gguf_adapter(request_.against, spec);
      add_base_fault(file, result);
      return replies(*backbone_, &file, "export");
    }
    backbone_.reset();
    Backbone merged = load_backbone(request_.against, at::kFloat);
    return replies(merged, nullptr, "export");
  }

  void ask_llama(const Replies& wanted, const Replies& base, Verification& result) {
    progress("llama.cpp", 0);
    const Tokenizer& tokenizer = backbone_->tokenizer;
    LlamaCppRequest request{.python = request_.python,
                            .model = kind_ == ExportKind::kMergedGguf ? fs::path(request_.against)
                                                                      : backbone_->source.path,
                            .rows = held_out_.rows(),
                            .tail = HeldOut::kTail,
                            .questions = held_out_.questions(),
                            .stop = tokenizer.end_of_turn_ids(),
                            .max_new_tokens = held_out_.category().max_new_tokens};
    if (is_adapter()) request.adapter = request_.against;
    const LlamaCppReply reply = ask_llama_cpp(request);
    std::vector<std::string> outputs;
    for (const std::vector<int32_t>& ids : reply.answers) outputs.push_back(tokenizer.decode(ids));
    const double tolerance =
        std::max(runtime_tolerance(request.model), tolerance_of(type_of(request_.against, kind_)));
    result.llama_cpp = compared({reply.logits, held_out_.read(outputs)}, wanted, base, tolerance);
    result.llama_cpp_version = reply.version;
    add_fault(*result.llama_cpp, "llama.cpp: ", result);
    if (is_adapter()) {
      result.llama_cpp->strength =
          strength_of(reply.logits - reply.base_logits, wanted.logits - base.logits);
    }
    if (std::abs(result.llama_cpp->strength - 1) > kStrengthTolerance) {
      result.faults.push_back(fmt::format(
          "llama.cpp: the adapter acts at {:.2g} times its strength", result.llama_cpp->strength));
    }
    progress("llama.cpp", held_out_.size());
  }

  static void add_fault(const Compared& compared, const char* who, Verification& result) {
    if (compared.logits.relative <= compared.tolerance) return;
    result.faults.push_back(
        fmt::format("{}logits differ by {:.2g} of the greatest, allowed for this format is {:.2g}",
                    who, compared.logits.relative, compared.tolerance));
  }

  const VerifyRequest& request_;
  ExportKind kind_;
  std::optional<Backbone> backbone_;
  AdapterFile trained_;
  HeldOut held_out_;
};

// What can be said without running a model.
Verification verify_weights(const VerifyRequest& request) {
  const fs::path base = find_backbone(request.backbone).path;
  const ExportKind kind = find_export_kind(request.against);
  const Checkpoint checkpoint = Checkpoint::open(base);
  const DecoderSpec& spec = checkpoint.spec();
  const AdapterFile trained = read_adapter(request.adapter, linear_modules(spec));
  if (!request.accept_risk) {
    require_trust(request.adapter, trained, checkpoint.digest(),
                  "--accept-risk takes it all the same");
  }
  const bool adapter = kind == ExportKind::kPeft || kind == ExportKind::kGgufAdapter;
  return {.kind = kind,
          .faults = shortened(adapter ? adapter_faults(request.against, kind, trained, spec)
                                      : merged_faults(request.against, base, trained))};
}

std::string verdict(const Verification& v) {
  std::string text;
  for (const std::string& fault : v.faults) text += "  fault: " + fault + "\n";
  if (!v.passed()) return text + "\nIt does not act as trained.\n";
  return text + (v.questions == 0 ? "Every weight is changed as trained; no model was run.\n"
                                  : "\nIt acts as trained.\n");
}

std::string row(const Verification& v, std::string_view name, const Compared& compared) {
  const LogitsAgreement& a = compared.logits;
  return fmt::format("  {:<22}{:>9.3g}{:>9.3g}{:>9.3g}{:>9.2g}{:>11.1f} %{:>10.3g}{:>10}{:>7}\n",
                     name, a.largest, a.relative, a.mean, a.divergence, 100 * a.argmax,
                     compared.strength, fmt::format("{}/{}", compared.same_answers, v.questions),
                     compared.correct);
}

}  // namespace

Verification verify_export(const VerifyRequest& request) {
  if (request.in_llama_cpp) {
    require_gguf(request);
    require_llama_cpp(request.python);
  }
  return request.weights_only ? verify_weights(request) : Verifier(request).run();
}

std::string render_verification(const Verification& v) {
  if (v.questions == 0) return verdict(v);
  std::string text = fmt::format(
      "{} against the adapter as trained: {} tokens and {} questions of held-out rows, "
      "{} answered rightly\n\n",
      kind_words(v.kind), v.exported.logits.tokens, v.questions, v.correct);
  text += fmt::format("  {:<22}{:>9}{:>9}{:>9}{:>9}{:>13}{:>10}{:>10}{:>7}\n",
                      "difference of logits", "largest", "relative", "mean", "KL", "same argmax",
                      "strength", "answers", "right");
  text += row(v, "what was exported", v.exported);
  if (v.llama_cpp) {
    text += row(v, "in llama.cpp " + printable(v.llama_cpp_version, 10), *v.llama_cpp);
  }
  text += row(v, "base without adapter", v.base);
  text += fmt::format("\n  allowed: relative {:.2g}", v.exported.tolerance);
  if (v.llama_cpp) text += fmt::format(", in llama.cpp {:.2g}", v.llama_cpp->tolerance);
  text += "\n";
  return text + verdict(v);
}

}  // namespace telora
