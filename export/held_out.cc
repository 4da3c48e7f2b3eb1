#include "export/held_out.h"

#include <algorithm>
#include <optional>

#include "adapters/lora_adapter.h"
#include "backbone/torch.h"
#include "core/document.h"
#include "core/error.h"
#include "core/files.h"
#include "data/split.h"
#include "eval/encode.h"
#include "eval/evaluate.h"
#include "eval/fill_prediction.h"

namespace telora {

namespace {

constexpr int64_t kTokensPerPass = 1024;

std::vector<size_t> first_rows(const DataSet& data, const Category& category,
                               const HeldOutRequest& request) {
  const Split split = make_split(data.examples, category, request.split_method, kDefaultSplitSeed);
  std::vector<size_t> rows = part_of(split, request.part);
  rows.resize(std::min(rows.size(), static_cast<size_t>(std::max<int64_t>(1, request.rows))));
  return rows;
}

// The last tokens of each row: [rows · tail at most, V] float32.
at::Tensor tail_logits(const Decoder& decoder, const std::vector<std::vector<int32_t>>& rows) {
  const at::NoGradGuard no_gradient;
  std::vector<at::Tensor> logits;
  for (size_t begin = 0; begin < rows.size();) {
    RowPacker packer;
    std::vector<int64_t> wanted;
    do {
      const std::vector<int32_t>& row = rows[begin++];
      const int64_t first = packer.row_begin(packer.add(row));
      for (size_t i = row.size() - std::min(HeldOut::kTail, row.size()); i < row.size(); ++i) {
        wanted.push_back(first + static_cast<int64_t>(i));
      }
    } while (begin < rows.size() &&
             packer.tokens() + static_cast<int64_t>(rows[begin].size()) <= kTokensPerPass);
    logits.push_back(decoder.logits(decoder.hidden(packer.finish(), at::tensor(wanted))));
  }
  return at::cat(logits);
}

}  // namespace

HeldOutRequest with_run_category(HeldOutRequest request, const std::filesystem::path& adapter) {
  if (!request.category.empty()) return request;
  const std::filesystem::path manifest = adapter / "telora.json";
  if (!std::filesystem::exists(manifest)) {
    fail(ErrorKind::kUsage, {.file = "--category", .field = {}}, "none, and the adapter names none",
         "the category whose rows are asked");
  }
  Fields fields(Document::parse_json(read_text(manifest), manifest.string()));
  request.category = fields.string("category");
  return request;
}

HeldOut::HeldOut(const HeldOutRequest& request, const Backbone& backbone)
    : request_(request),
      category_(find_category(request.category)),
      data_(load_category(find_source(request.data), category_)),
      encoded_(ExampleEncoder(category_, backbone, category_.max_length)
                   .encode_all(data_.examples, first_rows(data_, category_, request))) {
  for (const EncodedExample& example : encoded_) {
    if (rows_.size() == kLogitRows) break;
    rows_.push_back(example.prompt);
    rows_.back().insert(rows_.back().end(), example.target.begin(), example.target.end());
  }
}

Replies HeldOut::ask(Backbone& backbone, const AdapterFile* adapter,
                     const std::function<void(int64_t done)>& progress) const {
  std::optional<LoraAdapter> attached;
  if (adapter != nullptr) {
    attached.emplace(LoraAdapter::from_file(*adapter));
    attached->attach(backbone.decoder);
  }
  EvaluationOptions options{.selection = false,
                            .max_new_tokens = category_.max_new_tokens,
                            .part = request_.part,
                            .split_method = request_.split_method,
                            .progress = progress};
  Replies replies{tail_logits(backbone.decoder, rows_),
                  evaluate(backbone, category_, data_.examples, encoded_, options).predictions};
  LoraAdapter::detach(backbone.decoder);
  return replies;
}

std::vector<std::vector<int32_t>> HeldOut::questions() const {
  std::vector<std::vector<int32_t>> questions;
  for (const EncodedExample& example : encoded_) questions.push_back(example.prompt);
  return questions;
}

std::vector<Prediction> HeldOut::read(const std::vector<std::string>& outputs) const {
  const EvaluationOptions options{.part = request_.part, .split_method = request_.split_method};
  std::vector<Prediction> predictions;
  for (size_t i = 0; i < encoded_.size(); ++i) {
    const Example& example = data_.examples[encoded_[i].index];
    predictions.push_back(described(category_, example, options));
    add_output(predictions.back(), category_, example, outputs.at(i));
  }
  return predictions;
}

}  // namespace telora
