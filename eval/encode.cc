#include "eval/encode.h"

#include <fmt/format.h>

#include "backbone/parallel.h"
#include "core/error.h"

namespace telora {

namespace {

// The part of a question that may be cut: all of it, or the quoted text of a classification prompt,
// which ends with a closing brace and a line feed.
std::string with_text_cut(const Category& category, const std::string& question, size_t bytes) {
  const std::string ending = "}\n";
  const bool quoted = category.kind == TaskKind::kClasses && question.ends_with(ending);
  const size_t tail = quoted ? ending.size() : 0;
  size_t keep = question.size() - tail - std::min(bytes, question.size() - tail);
  while (keep > 0 && (static_cast<unsigned char>(question[keep]) & 0xC0) == 0x80) --keep;
  return question.substr(0, keep) + (quoted ? ending : "");
}

// Bytes that may go: for classification everything behind the mark that opens the quoted text.
size_t cuttable_bytes(const Category& category, const std::string& question) {
  if (category.kind != TaskKind::kClasses) return question.size();
  const size_t mark = category.similar_after.empty() ? 0 : question.find(category.similar_after);
  return mark == std::string::npos ? 0 : question.size() - mark - category.similar_after.size();
}

size_t length_of(const EncodedExample& example) {
  return example.prompt.size() + example.target.size();
}

}  // namespace

ExampleEncoder::ExampleEncoder(const Category& category, const Backbone& backbone,
                               int64_t max_length)
    : category_(category),
      tokenizer_(backbone.tokenizer),
      format_(backbone.chat_format),
      max_length_(static_cast<size_t>(max_length)) {}

std::vector<int32_t> ExampleEncoder::encode_prompt(const Prompt& prompt) const {
  std::vector<ChatMessage> messages;
  if (!prompt.system.empty()) messages.push_back({"system", prompt.system});
  messages.push_back({"user", prompt.user});
  return tokenizer_.encode(render_prompt(format_, messages));
}

EncodedExample ExampleEncoder::encode_as_is(const Example& example, size_t index) const {
  const Prompt prompt = make_prompt(category_, example);
  EncodedExample encoded;
  encoded.index = index;
  encoded.gold = example.answer;
  encoded.prompt = encode_prompt(prompt);
  encoded.target = tokenizer_.encode(render_answer(format_, prompt.target));
  for (const std::string& candidate : prompt.candidates) {
    encoded.completions.push_back(tokenizer_.encode({Tokenizer::Segment{candidate, false}}));
  }
  return encoded;
}

EncodedExample ExampleEncoder::encode(const Example& example, size_t index) const {
  EncodedExample encoded = encode_as_is(example, index);
  if (length_of(encoded) <= max_length_) return encoded;
  Example shorter = example;
  size_t low = 0, high = cuttable_bytes(
                      category_, example.question);  // bytes to cut: fits somewhere above low
  while (low < high) {
    const size_t middle = (low + high) / 2;
    shorter.question = with_text_cut(category_, example.question, middle);
    if (length_of(encode_as_is(shorter, index)) <= max_length_) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  shorter.question = with_text_cut(category_, example.question, high);
  encoded = encode_as_is(shorter, index);
  encoded.shortened = true;
  if (length_of(encoded) > max_length_) {
    fail(ErrorKind::kData, {example.id, "question"},
         fmt::format("{} tokens without its text", length_of(encoded)),
         fmt::format("at most max_length = {}", max_length_), "raise max_length");
  }
  return encoded;
}

std::vector<EncodedExample> ExampleEncoder::encode_all(const std::vector<Example>& examples,
                                                       std::span<const size_t> indices) const {
  std::vector<EncodedExample> encoded(indices.size());
  parallel_for(0, static_cast<int64_t>(indices.size()), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const size_t index = indices[static_cast<size_t>(i)];
      encoded[static_cast<size_t>(i)] = encode(examples[index], index);
    }
  });
  return encoded;
}

}  // namespace telora
