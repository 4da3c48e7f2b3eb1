#include "backbone/spec_hf.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "backbone/hf_families.h"
#include "backbone/hf_fields.h"
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

// Keys that would change the numbers: only the value that a plain decoder has is accepted (or
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
      {"use_sliding_window", false, "only full attention is implemented"},
      {"num_local_experts", 0, "mixtures of experts are not implemented"},
      {"num_experts", 0, "mixtures of experts are not implemented"},
      {"num_experts_per_tok", 0, "mixtures of experts are not implemented"},
      {"pruned_heads", Json::object(), "pruned heads are not implemented"},
      {"is_encoder_decoder", false, "only decoders are implemented"},
      {"tie_encoder_decoder", false, "only decoders are implemented"},
      {"add_cross_attention", false, "only decoders are implemented"},
      {"cross_attention_hidden_size", nullptr, "only decoders are implemented"},
      {"is_llama_config", true, "only true Llama configurations have this key"},
  };
  return keys;
}

const HfFamily& read_family(Fields& fields) {
  const std::string type = fields.string("model_type");
  const HfFamily* family = find_hf_family(type);
  if (family == nullptr) {
    fields.fail("model_type", printable(type, 60), "one of " + hf_family_names(),
                "this model family is not implemented; docs/backbones.md lists those that are");
  }
  const std::vector<std::string> wanted{std::string(family->architecture)};
  if (given(fields, "architectures") && fields.strings("architectures") != wanted) {
    fields.fail("architectures", printable(to_json(fields.raw("architectures"))),
                fmt::format("[\"{}\"]", family->architecture),
                "only causal language models are implemented");
  }
  return *family;
}

void check_fixed(Fields& fields, const HfFamily& family) {
  if (family.name == "llama" && given(fields, "sliding_window")) {
    fields.fail("sliding_window", printable(to_json(fields.raw("sliding_window"))), "null",
                "only full attention is implemented for this family");
  }
  for (const Fixed& fixed : fixed_keys()) {
    if (!given(fields, fixed.key) || fields.raw(fixed.key) == fixed.value) continue;
    fields.fail(fixed.key, printable(to_json(fields.raw(fixed.key))), to_json(fixed.value),
                fixed.advice);
  }
}

int64_t size(Fields& fields, const std::string& key, int64_t max) {
  return fields.integer(key, {.min = 1, .max = max});
}

int64_t read_head_dim(Fields& fields, const DecoderSpec& spec, const HfFamily& family) {
  if (given(fields, "head_dim") || family.needs_head_dim) {
    return size(fields, "head_dim", kMaxHeadDim);
  }
  if (spec.hidden % spec.heads != 0) {
    fields.fail("num_attention_heads", fmt::format("{}", spec.heads),
                fmt::format("a divisor of hidden_size {}", spec.hidden),
                "or give head_dim in config.json");
  }
  return spec.hidden / spec.heads;
}

void read_sizes(Fields& fields, DecoderSpec& spec, const HfFamily& family) {
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
  spec.head_dim = read_head_dim(fields, spec, family);
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
  const HfFamily& family = read_family(fields);
  DecoderSpec spec;
  spec.architecture = family.name;
  read_sizes(fields, spec, family);
  family.read(fields, spec);
  check_fixed(fields, family);
  for (const char* key : kHarmless) fields.ignore(key);
  fields.ignore("tie_word_embeddings");
  fields.finish();
  spec.tied_head = head_is_tied(fields, folder);
  return spec;
}

}  // namespace telora
