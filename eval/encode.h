#pragma once

#include <span>
#include <vector>

#include "backbone/backbone.h"
#include "data/category.h"
#include "data/example.h"
#include "data/prompt.h"
#include "eval/encoded_example.h"

namespace telora {

// Turns questions into token ids: the category's official prompt inside the model's chat template.
class ExampleEncoder {
 public:
  ExampleEncoder(const Category& category, const Backbone& backbone, int64_t max_length);

  // A row longer than max_length loses text from the end of its question (letters, numbers) or of
  // the quoted text (classes), never instruction or options. Throws Error(data) when even an empty
  // question does not fit.
  EncodedExample encode(const Example& example, size_t index) const;
  // Those of `indices`, on all threads, in order.
  std::vector<EncodedExample> encode_all(const std::vector<Example>& examples,
                                         std::span<const size_t> indices) const;

 private:
  EncodedExample encode_as_is(const Example& example, size_t index) const;
  std::vector<int32_t> encode_prompt(const Prompt& prompt) const;

  const Category& category_;
  const Tokenizer& tokenizer_;
  ChatFormat format_;
  size_t max_length_;
};

}  // namespace telora
