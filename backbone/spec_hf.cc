#include "backbone/spec_hf.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "backbone/hf_shards.h"
#include "core/document.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

// Keys that only concern training, sampling, the saving library or the task head: no effect on
// logits.
const char* const kHarmless[] = {
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_commit_hash",
    "_model_name_or_path",
    "_name_or_path",
    "attention_dropout",
    "attn_implementation",
    "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id",
    "chunk_size_feed_forward",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "dtype",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "eos_token_id",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "id2label",
    "initializer_range",
    "is_decoder",
    "label2id",
    "length_penalty",
    "max_length",
    "max_window_layers",
    "min_length",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "pad_token_id",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict",
    "return_dict_in_generate",
    "sep_token_id",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers.js_config",
    "transformers_version",
    "typical_p",
    "unk_token_id",
    "unsloth_fixed",
    "unsloth_version",
    "use_bfloat16",
    "use_cache",
};

// Keys that would change the numbers: only the value that a plain Llama decoder has is accepted (or
// null, where the key is absent in effect).
struct Fixed {
  const char* key;
  Json value;
  const char* advice;
};

const std::vector<Fixed>& fixed_keys() {
  static const std::vector<Fixed> keys{
      {"quantization_config", nullptr, "take the unquantised checkpoint, or a GGUF file"},
      {"auto_map", nullptr, "code that comes with a model is never run"},
      {"rope_interleaved", false, "only the rotate-half form is implemented"},
      {"partial_rotary_factor", 1, "only rotation of whole heads is implemented"},
      {"sliding_window", nullptr, "only full attention is implemented"},
      {"use_sliding_window", false, "only full attention is implemented"},
      {"num_local_experts", 0, "mixtures of experts are not implemented"},
      {"num_experts", 0, "mixtures of experts are not implemented"},
      {"num_experts_per_tok", 0, "mixtures of experts are not implemented"},
      {"pruned_heads", Json::object(), "pruned heads are not implemented"},
      {"is_encoder_decoder", false, "only decoders are implemented"},
      {"tie_encoder_decoder", false, "only decoders are implemented"},
      {"add_cross_attention", false, "only decoders are implemented"},
      {"cross_attention_hidden_size", nullptr, "only decoders are implemented"},
      {"is_llama_config", true, "only the Llama family is implemented"},
  };
  return keys;
}

// Present and not null. A null key is one whose class default holds.
bool given(Fields& fields, const std::string& key) {
  fields.ignore(key);
  return fields.has(key) && !fields.is_null(key);
}

void check_family(Fields& fields) {
  const std::string type = fields.string("model_type");
  if (type != "llama") {
    fields.fail("model_type", printable(type, 60), "llama",
                "this model family is not implemented: take a Llama-type backbone");
  }
  if (given(fields, "architectures") &&
      fields.strings("architectures") != std::vector<std::string>{"LlamaForCausalLM"}) {
    fields.fail("architectures", printable(to_json(fields.raw("architectures"))),
                R"(["LlamaForCausalLM"])", "only causal language models are implemented");
  }
  if (given(fields, "hidden_act")) fields.string("hidden_act", {"silu"});
}

void check_fixed(Fields& fields) {
  for (const Fixed& fixed : fixed_keys()) {
    if (!given(fields, fixed.key) || fields.raw(fixed.key) == fixed.value) continue;
    fields.fail(fixed.key, printable(to_json(fields.raw(fixed.key))), to_json(fixed.value),
                fixed.advice);
  }
  if (!given(fields, "layer_types")) return;
  for (const std::string& type : fields.strings("layer_types")) {
    if (type != "full_attention") {
      fields.fail("layer_types", printable(type, 60), "full_attention in every layer",
                  "other layer types are not implemented for this family");
    }
  }
}

int64_t size(Fields& fields, const std::string& key, int64_t max) {
  return fields.integer(key, {.min = 1, .max = max});
}

int64_t read_head_dim(Fields& fields, const DecoderSpec& spec) {
  if (given(fields, "head_dim")) return size(fields, "head_dim", kMaxHeadDim);
  if (spec.hidden % spec.heads != 0) {
    fields.fail("num_attention_heads", fmt::format("{}", spec.heads),
                fmt::format("a divisor of hidden_size {}", spec.hidden),
                "or give head_dim in config.json");
  }
  return spec.hidden / spec.heads;
}

void read_sizes(Fields& fields, DecoderSpec& spec) {
  spec.layers = size(fields, "num_hidden_layers", kMaxLayers);
  spec.hidden = size(fields, "hidden_size", kMaxHidden);
  spec.heads = size(fields, "num_attention_heads", kMaxHeads);
  spec.kv_heads = given(fields, "num_key_value_heads")
                      ? size(fields, "num_key_value_heads", kMaxHeads)
                      : spec.heads;
  if (spec.heads % spec.kv_heads != 0) {
    fields.fail("num_key_value_heads", fmt::format("{}", spec.kv_heads),
                fmt::format("a divisor of num_attention_heads {}", spec.heads));
  }
  spec.head_dim = read_head_dim(fields, spec);
  if (spec.head_dim % 2 != 0) {
    fields.fail("head_dim", fmt::format("{}", spec.head_dim), "an even number",
                "rotary positions pair the two halves of a head");
  }
  spec.intermediate = size(fields, "intermediate_size", kMaxIntermediate);
  spec.vocab = size(fields, "vocab_size", kMaxVocab);
  spec.max_positions = size(fields, "max_position_embeddings", kMaxPositions);
  spec.rms_eps = fields.number("rms_norm_eps", {.min = 0, .max = 1});
  spec.attention_scale = 1 / std::sqrt(static_cast<double>(spec.head_dim));
}

double read_theta(Fields& fields) { return fields.number("rope_theta", {.min = 1, .max = 1e12}); }

RopeScaling read_llama3_scaling(Fields& rope) {
  RopeScaling scaling;
  scaling.factor = rope.number("factor", {.min = 1, .max = 1e6});
  scaling.low = rope.number("low_freq_factor", {.min = 0, .max = 1e6, .min_excluded = true});
  scaling.high = rope.number("high_freq_factor", {.min = 0, .max = 1e6, .min_excluded = true});
  if (scaling.high <= scaling.low) {
    rope.fail("high_freq_factor", fmt::format("{}", scaling.high),
              fmt::format("more than low_freq_factor {}", scaling.low));
  }
  scaling.original = static_cast<double>(
      rope.integer("original_max_position_embeddings", {.min = 1, .max = kMaxPositions}));
  return scaling;
}

// `rope` is the object rope_scaling or rope_parameters; some older files say "type".
std::optional<RopeScaling> read_scaling(Fields& rope) {
  const std::vector<std::string> types{"default", "llama3"};
  const bool old_name = !rope.has("rope_type") && rope.has("type");
  const std::string type = rope.string(old_name ? "type" : "rope_type", types);
  if (!old_name && rope.has("type") && rope.string("type", types) != type) {
    rope.fail("type", rope.string("type"), "the same as rope_type " + type);
  }
  if (type == "default") return std::nullopt;
  return read_llama3_scaling(rope);
}

// transformers 5: rope_parameters holds rope_theta and the scaling. rope_theta beside it must
// agree.
void read_rope_parameters(Fields& fields, DecoderSpec& spec) {
  Fields rope = fields.object("rope_parameters");
  spec.rope_theta = read_theta(rope);
  if (given(fields, "rope_theta") && read_theta(fields) != spec.rope_theta) {
    fields.fail("rope_theta", fmt::format("{}", read_theta(fields)),
                fmt::format("rope_parameters.rope_theta {}", spec.rope_theta));
  }
  if (given(rope, "partial_rotary_factor")) {
    rope.number("partial_rotary_factor", {.min = 1, .max = 1});
  }
  spec.rope_scaling = read_scaling(rope);
  rope.finish();
}

void read_rope(Fields& fields, DecoderSpec& spec) {
  const bool old_scaling = given(fields, "rope_scaling");
  if (given(fields, "rope_parameters")) {
    if (old_scaling) {
      fields.fail("rope_scaling", "both rope_scaling and rope_parameters", "one of them");
    }
    return read_rope_parameters(fields, spec);
  }
  // The class default of transformers; configurations of the first Llama models rely on it.
  spec.rope_theta = given(fields, "rope_theta") ? read_theta(fields) : 10000;
  if (!old_scaling) return;
  Fields rope = fields.object("rope_scaling");
  spec.rope_scaling = read_scaling(rope);
  rope.finish();
}

bool flag(Fields& fields, const std::string& key) {
  return given(fields, key) && fields.boolean(key);
}

// Not stated: the head is the embedding matrix exactly if the checkpoint brings no other.
bool head_is_tied(Fields& fields, const std::filesystem::path& folder) {
  if (given(fields, "tie_word_embeddings")) return fields.boolean("tie_word_embeddings");
  for (const ShardTensor& tensor : open_shards(folder)) {
    if (tensor.entry->name == "lm_head.weight") return false;
  }
  return true;
}

}  // namespace

DecoderSpec read_hf_spec(const std::filesystem::path& folder) {
  constexpr uint64_t kLimit = 1 << 20;
  const std::filesystem::path file = folder / "config.json";
  const Document document = Document::parse_json(read_text(file, kLimit), file.string());
  Fields fields(document);
  check_family(fields);
  check_fixed(fields);
  DecoderSpec spec;
  spec.architecture = "llama";
  read_sizes(fields, spec);
  read_rope(fields, spec);
  spec.attention_bias = flag(fields, "attention_bias");
  spec.mlp_bias = flag(fields, "mlp_bias");
  for (const char* key : kHarmless) fields.ignore(key);
  fields.ignore("tie_word_embeddings");
  fields.finish();
  spec.tied_head = head_is_tied(fields, folder);
  return spec;
}

}  // namespace telora
