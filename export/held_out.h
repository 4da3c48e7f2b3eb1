#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "adapters/peft_folder.h"
#include "backbone/backbone.h"
#include "data/category.h"
#include "data/source.h"
#include "eval/encoded_example.h"
#include "scoring/prediction.h"

namespace telora {

// Which rows two models are asked to see whether they act alike.
struct HeldOutRequest {
  std::string category = {};
  std::string data = "sample";
  std::string part = "validation";  // train | validation | test
  std::string split_method = "group";
  int64_t rows = 16;  // the first of the part
};

// The request with the category of the run that trained an adapter, unless it names one. Throws
// Error(usage) where the folder names none.
HeldOutRequest with_run_category(HeldOutRequest request, const std::filesystem::path& adapter);

// What one model says to them.
struct Replies {
  at::Tensor logits;                     // [tokens, V] float32, of the first rows' last tokens
  std::vector<Prediction> answers = {};  // greedy, of every row
};

// Rows of a category, as token ids of a backbone's tokenizer.
class HeldOut {
 public:
  static constexpr size_t kTail = 16;       // tokens of a row whose logits are compared
  static constexpr size_t kLogitRows = 16;  // rows of which they are: [256, V] is held in memory

  // Throws Error(usage) for an unknown category or split, and as reading and encoding rows throws.
  HeldOut(const HeldOutRequest& request, const Backbone& backbone);

  // What the backbone says, with this adapter or, for nullptr, without one.
  Replies ask(Backbone& backbone, const AdapterFile* adapter,
              const std::function<void(int64_t done)>& progress) const;

  // What other programs get to read: question and right answer of the first rows, and the prompt of
  // every row.
  const std::vector<std::vector<int32_t>>& rows() const { return rows_; }
  std::vector<std::vector<int32_t>> questions() const;
  // Their answers, one a question, as ours are read.
  std::vector<Prediction> read(const std::vector<std::string>& outputs) const;

  const Category& category() const { return category_; }
  int64_t size() const { return std::ssize(encoded_); }

 private:
  HeldOutRequest request_;
  const Category& category_;
  DataSet data_;
  std::vector<EncodedExample> encoded_;
  std::vector<std::vector<int32_t>> rows_;
};

}  // namespace telora
