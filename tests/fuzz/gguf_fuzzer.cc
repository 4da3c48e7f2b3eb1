#include <cstring>

#include "tests/fuzz/gguf_parts.h"
#include "tests/fuzz/memory_watch.h"
#include "tests/fuzz/mutation.h"
#include "tests/fuzz/targets.h"

namespace telora::fuzz {

namespace {

const std::vector<std::string> kKeys{"general.architecture",
                                     "general.alignment",
                                     "general.type",
                                     "split.count",
                                     "llama.block_count",
                                     "llama.context_length",
                                     "llama.embedding_length",
                                     "llama.feed_forward_length",
                                     "llama.attention.head_count",
                                     "llama.attention.head_count_kv",
                                     "llama.attention.key_length",
                                     "llama.rope.dimension_count",
                                     "llama.vocab_size",
                                     "gemma3.attention.sliding_window",
                                     "exaone4.attention.sliding_window_pattern",
                                     "granite.logit_scale",
                                     "tokenizer.ggml.model",
                                     "tokenizer.ggml.pre",
                                     "tokenizer.ggml.tokens",
                                     "tokenizer.ggml.merges",
                                     "tokenizer.ggml.token_type",
                                     "tokenizer.ggml.scores",
                                     "tokenizer.ggml.bos_token_id",
                                     "tokenizer.ggml.eos_token_id",
                                     "tokenizer.chat_template",
                                     "output.weight",
                                     "rope_freqs.weight",
                                     "blk.0.attn_q.bias"};
const uint32_t kTypes[] = {0, 1, 2, 3, 6, 7, 8, 10, 12, 14, 20, 30, 4, 99};

std::string bytes_of(uint64_t number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

void change_value(GgufPair& pair, Choices& choices) {
  // Arrays: the count lies behind the element type; strings: the length comes first.
  const size_t count_at = pair.type == 9 ? 4 : 0;
  const bool counted = (pair.type == 8 || pair.type == 9) && pair.value.size() >= count_at + 8;
  if (counted && choices.one_in(6)) {
    pair.value.replace(count_at, 8, bytes_of(odd_number(choices)));
  } else if (counted && pair.type == 8) {
    const std::string text = mutate_bytes(pair.value.substr(8), pair.value.size() + 8);
    pair.value = bytes_of(text.size()) + text;
  } else if (pair.type == 9 || pair.value.size() > 8 || choices.one_in(3)) {
    pair.value = mutate_bytes(pair.value, pair.value.size());
  } else {
    pair.value = bytes_of(odd_number(choices)).substr(0, pair.value.size());
  }
}

// A pair of the same type may give its value to another one.
void change_pairs(GgufParts& parts, Choices& choices) {
  if (parts.pairs.empty()) return;
  GgufPair& pair = choices.any_of(parts.pairs);
  switch (choices.below(7)) {
    case 0:
      pair.key = choices.any_of(kKeys);
      break;
    case 1:
      pair.type = static_cast<uint32_t>(choices.below(14));
      break;
    case 2:
      parts.pairs.push_back(pair);
      break;
    case 3:
      std::swap(pair, parts.pairs.back());
      parts.pairs.pop_back();
      break;
    case 4:
      parts.pairs.push_back({choices.any_of(kKeys), 4, bytes_of(odd_number(choices)).substr(0, 4)});
      break;
    default:
      change_value(pair, choices);
  }
}

void change_tensors(GgufParts& parts, Choices& choices) {
  if (parts.tensors.empty()) return;
  GgufTensorInfo& tensor = choices.any_of(parts.tensors);
  switch (choices.below(6)) {
    case 0:
      tensor.name = choices.one_in(2) ? choices.any_of(kKeys) : mutate_bytes(tensor.name, 70);
      break;
    case 1:
      tensor.type = choices.any_of(kTypes);
      break;
    case 2:
      tensor.dims.push_back(odd_number(choices));
      break;
    case 3:
      tensor.offset = odd_number(choices);
      break;
    case 4:
      parts.tensors.push_back(tensor);
      break;
    default:
      if (!tensor.dims.empty()) choices.any_of(tensor.dims) = odd_number(choices);
  }
}

// As a writer would lay the tensors out.
void lay_out(GgufParts& parts) {
  uint64_t offset = 0;
  for (GgufTensorInfo& tensor : parts.tensors) {
    tensor.offset = offset;
    offset += (plain_bytes(tensor) + 31) / 32 * 32;
  }
  parts.data.resize(std::min<uint64_t>(offset, 1 << 15), 'x');
}

std::string mutate(std::string_view bytes, size_t limit, Choices& choices) {
  std::optional<GgufParts> parts = take_apart(bytes);
  if (!parts || choices.one_in(15)) return mutate_bytes(bytes, limit);
  for (size_t i = 0, changes = 1 + choices.below(3); i < changes; ++i) {
    if (choices.one_in(3)) {
      change_tensors(*parts, choices);
    } else {
      change_pairs(*parts, choices);
    }
  }
  if (choices.one_in(40)) parts->version = static_cast<uint32_t>(odd_number(choices));
  if (!choices.one_in(5)) lay_out(*parts);
  return put_together(*parts);
}

}  // namespace

}  // namespace telora::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const telora::fuzz::MemoryWatch watch(size);
  telora::fuzz::read_gguf({reinterpret_cast<const char*>(data), size});
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t limit, unsigned seed) {
  telora::fuzz::Choices choices(seed);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  return telora::fuzz::give_back(telora::fuzz::mutate(bytes, limit, choices), data, limit);
}
