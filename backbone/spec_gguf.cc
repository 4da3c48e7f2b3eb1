#include "backbone/spec_gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace telora {

namespace {

constexpr double kGemma3LocalTheta = 10000;   // of the class: the file has no key for it
constexpr int64_t kGemma3Period = 6;          // every sixth layer is full
constexpr int64_t kGemma3LargestLayers = 62;  // of the 27B model, whose attention scale differs

// Layers that see a window only: none, those that the file lists if it has a window, or Gemma 3's.
enum class Windows { kNone, kListed, kGemma3 };

struct GgufFamily {
  std::string_view architecture;
  NormPlacement norm_placement = NormPlacement::kBefore;
  QueryKeyNorm query_key_norm = QueryKeyNorm::kNone;
  bool multipliers = false;  // the four keys of Granite
  Windows windows = Windows::kNone;
};

constexpr GgufFamily kFamilies[] = {
    {"llama"},
    {"qwen2"},
    {"qwen3", NormPlacement::kBefore, QueryKeyNorm::kHead},
    {"exaone4", NormPlacement::kAfter, QueryKeyNorm::kHead, false, Windows::kListed},
    {"granite", NormPlacement::kBefore, QueryKeyNorm::kNone, true},
    {"olmo2", NormPlacement::kAfter, QueryKeyNorm::kProjection},
    {"gemma3", NormPlacement::kBoth, QueryKeyNorm::kHead, false, Windows::kGemma3},
};

[[noreturn]] void refuse(const GgufFile& file, const std::string& key, std::string_view found,
                         std::string_view want, std::string_view advice = {}) {
  fail(ErrorKind::kData, {file.name(), key}, found, want, advice);
}

const GgufFamily& read_family(const GgufFile& file) {
  const std::string architecture = file.string("general.architecture");
  std::string names;
  for (const GgufFamily& family : kFamilies) {
    if (family.architecture == architecture) return family;
    names += (names.empty() ? "" : ", ") + std::string(family.architecture);
  }
  refuse(file, "general.architecture", printable(architecture, 60), "one of " + names,
         "this model family is not implemented; docs/backbones.md lists those that are");
}

void check_kind(const GgufFile& file) {
  if (file.has("general.type") && file.string("general.type") != "model") {
    refuse(file, "general.type", printable(file.string("general.type"), 60), "model",
           "an adapter is no backbone");
  }
  constexpr int64_t kMaxSplits = 1 << 16;
  if (file.has("split.count") && file.integer("split.count", 0, kMaxSplits) > 1) {
    refuse(file, "split.count", fmt::format("{}", file.integer("split.count", 0, kMaxSplits)), "1",
           "join the parts first (llama-gguf-split --merge)");
  }
}

// The shortest decimal of the stored float: 9.99999975e-06 is the 1e-5 of the model's
// configuration.
double decimal(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, static_cast<float>(value)).ptr;
  double out = 0;
  std::from_chars(text, end, out);
  return out;
}

double positive(const GgufFile& file, const std::string& key, double min, double max) {
  const double value = decimal(file.number(key));
  if (!(value >= min && value <= max)) {
    refuse(file, key, fmt::format("{}", value), fmt::format("a number from {} to {}", min, max));
  }
  return value;
}

// Reads the keys of one file; all begin with the family's name.
class Reader {
 public:
  Reader(const GgufFile& file, const GgufFamily& family)
      : file_(file), family_(family), prefix_(std::string(family.architecture) + ".") {}

  DecoderSpec read() {
    DecoderSpec spec;
    spec.architecture = family_.architecture;
    read_sizes(spec);
    read_rope(spec);
    check_fixed(spec);
    check_unknown();
    read_own(spec);
    spec.tied_head = file_.find("output.weight") == nullptr;
    spec.attention_bias = file_.find("blk.0.attn_q.bias") != nullptr;
    spec.output_bias = file_.find("blk.0.attn_output.bias") != nullptr;
    spec.mlp_bias = file_.find("blk.0.ffn_up.bias") != nullptr;
    return spec;
  }

 private:
  std::string key(std::string_view name) const { return prefix_ + std::string(name); }

  // A count, or an array with the same count for every layer.
  int64_t uniform(const std::string& name, int64_t max) {
    const std::string full = key(name);
    const bool present = file_.has(full);
    const bool is_array =
        present && (std::holds_alternative<std::vector<int64_t>>(file_.value(full)) ||
                    std::holds_alternative<std::vector<uint64_t>>(file_.value(full)));
    if (!is_array) return file_.integer(full, 1, max);
    const std::vector<int64_t> values = file_.integers(full);
    const bool same =
        std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
    if (values.empty() || !same || values[0] < 1 || values[0] > max) {
      refuse(file_, full, fmt::format("an array of {} counts", values.size()),
             fmt::format("one count from 1 to {} for all layers", max));
    }
    return values[0];
  }

  void read_heads(DecoderSpec& spec) {
    spec.heads = uniform("attention.head_count", kMaxHeads);
    const bool grouped = file_.has(key("attention.head_count_kv"));
    spec.kv_heads = grouped ? uniform("attention.head_count_kv", kMaxHeads) : spec.heads;
    if (spec.heads % spec.kv_heads != 0) {
      refuse(file_, key("attention.head_count_kv"), fmt::format("{}", spec.kv_heads),
             fmt::format("a divisor of head_count {}", spec.heads));
    }
    const bool explicit_dim = file_.has(key("attention.key_length"));
    if (!explicit_dim && spec.hidden % spec.heads != 0) {
      refuse(file_, key("attention.head_count"), fmt::format("{}", spec.heads),
             fmt::format("a divisor of embedding_length {}", spec.hidden));
    }
    spec.head_dim = explicit_dim ? file_.integer(key("attention.key_length"), 1, kMaxHeadDim)
                                 : spec.hidden / spec.heads;
    if (spec.head_dim % 2 != 0 || spec.head_dim > kMaxHeadDim) {
      refuse(file_, explicit_dim ? key("attention.key_length") : key("attention.head_count"),
             fmt::format("heads of length {}", spec.head_dim),
             fmt::format("an even length up to {}", kMaxHeadDim));
    }
    spec.attention_scale = 1 / std::sqrt(static_cast<double>(spec.head_dim));
  }

  int64_t read_vocab() {
    if (file_.has(key("vocab_size"))) return file_.integer(key("vocab_size"), 1, kMaxVocab);
    if (!file_.has("tokenizer.ggml.tokens")) {
      refuse(file_, key("vocab_size"), "neither this key nor tokenizer.ggml.tokens",
             "the number of tokens");
    }
    const auto count = static_cast<int64_t>(file_.strings("tokenizer.ggml.tokens").size());
    if (count < 1 || count > kMaxVocab) {
      refuse(file_, "tokenizer.ggml.tokens", fmt::format("{} tokens", count),
             fmt::format("1 to {}", kMaxVocab));
    }
    return count;
  }

  void read_sizes(DecoderSpec& spec) {
    spec.layers = file_.integer(key("block_count"), 1, kMaxLayers);
    if (static_cast<size_t>(spec.layers) > file_.tensors().size()) {
      refuse(file_, key("block_count"), fmt::format("{}", spec.layers),
             fmt::format("no more blocks than the {} tensors of the file", file_.tensors().size()));
    }
    spec.hidden = file_.integer(key("embedding_length"), 1, kMaxHidden);
    spec.intermediate = uniform("feed_forward_length", kMaxIntermediate);
    spec.max_positions = file_.integer(key("context_length"), 1, kMaxPositions);
    spec.vocab = read_vocab();
    spec.rms_eps = positive(file_, key("attention.layer_norm_rms_epsilon"), 0, 1);
    read_heads(spec);
  }

  // Llama 3 scaling is no key but a tensor of divisors of the frequencies.
  std::vector<float> read_divisors(int64_t head_dim) {
    const GgufTensor* tensor = file_.find("rope_freqs.weight");
    if (tensor == nullptr) return {};
    if (tensor->type != GgmlType::kF32 ||
        tensor->dims != std::vector<uint64_t>{static_cast<uint64_t>(head_dim / 2)}) {
      refuse(file_, "rope_freqs.weight",
             fmt::format("{} of {} values", ggml_type_info(tensor->type).name, tensor->elements()),
             fmt::format("F32 of head length / 2 = {} values", head_dim / 2));
    }
    std::vector<float> out(head_dim / 2);
    file_.read(*tensor, 0, std::as_writable_bytes(std::span(out)));
    for (const float divisor : out) {
      if (divisor > 0 && std::isfinite(divisor)) continue;
      refuse(file_, "rope_freqs.weight", fmt::format("{}", divisor), "positive numbers");
    }
    return out;
  }

  void read_rope(DecoderSpec& spec) {
    if (!file_.has(key("rope.freq_base"))) {
      refuse(file_, key("rope.freq_base"), "no such key", "the rope base of the model",
             "add it with gguf_new_metadata.py or gguf-editor; 10000 is what llama.cpp assumes "
             "silently");
    }
    spec.rope_theta = positive(file_, key("rope.freq_base"), 1, 1e12);
    spec.rope_divisors = read_divisors(spec.head_dim);
  }

  // Keys that must agree with what is implemented if they are there at all.
  void check_fixed(const DecoderSpec& spec) {
    const auto count = [&](const std::string& key, int64_t want) {
      if (!file_.has(key)) return;
      const int64_t found = file_.integer(key, 0, kMaxPositions);
      if (found != want) refuse(file_, key, fmt::format("{}", found), fmt::format("{}", want));
    };
    const auto number = [&](const std::string& key) {
      if (!file_.has(key) || file_.number(key) == 1) return;
      refuse(file_, key, fmt::format("{}", file_.number(key)), "1");
    };
    count(key("attention.value_length"), spec.head_dim);
    count(key("rope.dimension_count"), spec.head_dim);
    count(key("expert_count"), 0);
    count(key("expert_used_count"), 0);
    if (family_.windows == Windows::kNone) count(key("attention.sliding_window"), 0);
    number(key("rope.scaling.factor"));
    number(key("rope.scaling.attn_factor"));
    number(key("rope.scale_linear"));
    if (file_.has(key("rope.scaling.type")) && file_.string(key("rope.scaling.type")) != "none") {
      refuse(file_, key("rope.scaling.type"), printable(file_.string(key("rope.scaling.type")), 60),
             "none", "only rope_freqs.weight (Llama 3 scaling) is implemented");
    }
    if (file_.has(key("attention.causal")) && !file_.boolean(key("attention.causal"))) {
      refuse(file_, key("attention.causal"), "false", "true");
    }
  }

  // Any other key of the architecture could change the numbers.
  void check_unknown() {
    static const std::set<std::string> known{"block_count",
                                             "context_length",
                                             "embedding_length",
                                             "feed_forward_length",
                                             "vocab_size",
                                             "attention.head_count",
                                             "attention.head_count_kv",
                                             "attention.key_length",
                                             "attention.value_length",
                                             "attention.layer_norm_rms_epsilon",
                                             "attention.causal",
                                             "attention.sliding_window",
                                             "rope.dimension_count",
                                             "rope.freq_base",
                                             "rope.scaling.type",
                                             "rope.scaling.factor",
                                             "rope.scaling.attn_factor",
                                             "rope.scaling.original_context_length",
                                             "rope.scaling.finetuned",
                                             "rope.scale_linear",
                                             "expert_count",
                                             "expert_used_count",
                                             "tensor_data_layout",
                                             "embedding_scale",
                                             "residual_scale",
                                             "attention.scale",
                                             "logit_scale",
                                             "attention.sliding_window_pattern",
                                             "rope.freq_base_swa"};
    for (const std::string& key : file_.keys()) {
      if (!key.starts_with(prefix_) || known.contains(key.substr(prefix_.size()))) continue;
      refuse(file_, key, "a key that is not handled", "a plain Llama decoder",
             "it may change the model's numbers");
    }
  }

  // What the family has of its own.
  void read_own(DecoderSpec& spec) {
    spec.norm_placement = family_.norm_placement;
    spec.query_key_norm = family_.query_key_norm;
    if (family_.multipliers) read_multipliers(spec);
    if (family_.windows == Windows::kGemma3) read_gemma3(spec);
    const bool windows = family_.windows == Windows::kGemma3 || read_listed_windows(spec);
    refuse_foreign(family_.multipliers,
                   {"embedding_scale", "residual_scale", "attention.scale", "logit_scale"});
    refuse_foreign(windows, {"attention.sliding_window_pattern", "rope.freq_base_swa"});
  }

  // These keys have a meaning in other families only.
  void refuse_foreign(bool own, std::initializer_list<const char*> names) {
    for (const char* name : names) {
      if (own || !file_.has(key(name))) continue;
      refuse(file_, key(name), "a key that is not handled", "a plain decoder of this family",
             "it may change the model's numbers");
    }
  }

  // llama.cpp takes "finetuned: false" of a Granite file for "no rotation".
  void read_multipliers(DecoderSpec& spec) {
    spec.embedding_scale = positive(file_, key("embedding_scale"), 1e-6, 1e6);
    spec.residual_scale = positive(file_, key("residual_scale"), 1e-6, 1e6);
    spec.attention_scale = positive(file_, key("attention.scale"), 1e-6, 1e6);
    spec.logit_scale = positive(file_, key("logit_scale"), 1e-6, 1e6);
    const std::string rotated = key("rope.scaling.finetuned");
    if (file_.has(rotated) && !file_.boolean(rotated)) {
      refuse(file_, rotated, "false", "true", "models without rotation are not implemented");
    }
  }

  static std::vector<bool> all_but_every(int64_t period, int64_t layers) {
    std::vector<bool> local;
    for (int64_t i = 0; i < layers; ++i) local.push_back((i + 1) % period != 0);
    return local;
  }

  // One truth value a layer, or the distance of the full layers.
  std::vector<bool> read_pattern(int64_t layers) {
    const std::string pattern = key("attention.sliding_window_pattern");
    const auto* local = std::get_if<std::vector<bool>>(&file_.value(pattern));
    if (local == nullptr) return all_but_every(file_.integer(pattern, 1, kMaxLayers), layers);
    if (static_cast<int64_t>(local->size()) != layers) {
      refuse(file_, pattern, fmt::format("{} truth values", local->size()),
             fmt::format("one for each of the {} layers", layers));
    }
    return *local;
  }

  // EXAONE 4: where there is a window, local layers rotate and full ones do not. llama.cpp takes
  // the pattern for granted in models of 64 layers; here the file has to say it. False without one.
  bool read_listed_windows(DecoderSpec& spec) {
    const std::string window = key("attention.sliding_window");
    if (family_.windows != Windows::kListed || !file_.has(window)) return false;
    spec.sliding_window = file_.integer(window, 0, kMaxPositions);
    if (spec.sliding_window == 0) return false;
    if (!file_.has(key("attention.sliding_window_pattern"))) {
      refuse(file_, key("attention.sliding_window_pattern"), "no such key",
             "a truth value for each layer: whether it sees the window only",
             "convert the model again with a newer convert_hf_to_gguf.py");
    }
    spec.local_layers = read_pattern(spec.layers);
    spec.rope_in_full_layers = false;
    const std::string local = key("rope.freq_base_swa");
    if (file_.has(local) && positive(file_, local, 1, 1e12) != spec.rope_theta) {
      refuse(file_, local, fmt::format("{}", file_.number(local)),
             fmt::format("{}, the rope.freq_base", spec.rope_theta));
    }
    return true;
  }

  // Gemma 3: five local layers, then a full one; norms are stored as 1 + weight.
  void read_gemma3(DecoderSpec& spec) {
    spec.sliding_window = file_.integer(key("attention.sliding_window"), 1, kMaxPositions);
    spec.local_layers = file_.has(key("attention.sliding_window_pattern"))
                            ? read_pattern(spec.layers)
                            : all_but_every(kGemma3Period, spec.layers);
    const std::string local = key("rope.freq_base_swa");
    spec.local_rope_theta = file_.has(local) ? positive(file_, local, 1, 1e12) : kGemma3LocalTheta;
    if (spec.layers == kGemma3LargestLayers) {  // no key says so: llama.cpp goes by this number too
      spec.attention_scale =
          1 / std::sqrt(static_cast<double>(spec.hidden) / static_cast<double>(spec.heads));
    }
    spec.embedding_scale = std::sqrt(static_cast<double>(spec.hidden));
    spec.norm_offset = true;
    spec.activation = Activation::kGeluTanh;
  }

  const GgufFile& file_;
  const GgufFamily& family_;
  std::string prefix_;
};

}  // namespace

DecoderSpec read_gguf_spec(const GgufFile& file) {
  check_kind(file);  // first: later parts of a split model do not say their architecture
  return Reader(file, read_family(file)).read();
}

}  // namespace telora
