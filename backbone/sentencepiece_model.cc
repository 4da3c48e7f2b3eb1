#include "backbone/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include "core/error.h"

namespace telora {

namespace {

using Processor = sentencepiece::SentencePieceProcessor;

constexpr int kSilent = 4;  // above the library's highest level of messages

std::unique_ptr<Processor> load(const SentencePieceProto& proto, const std::string& file) {
  sentencepiece::SetMinLogLevel(kSilent);
  auto processor = std::make_unique<Processor>();
  std::string problem;
  try {
    problem = processor->LoadFromSerializedProto(serialize_sentencepiece(proto)).ToString();
    if (processor->status().ok()) return processor;
  } catch (const std::exception& error) {  // of the trie that is built from the pieces
    problem = error.what();
  }
  fail(ErrorKind::kData, {file, "pieces"}, "a model that the SentencePiece library refuses",
       "one that it takes", printable(problem));
}

}  // namespace

SentencePieceModel::SentencePieceModel(SentencePieceProto proto, DummyPrefix prefix,
                                       const std::string& file)
    : first_(load(proto, file)), file_(file) {
  if (prefix == DummyPrefix::kEveryStretch || !proto.add_dummy_prefix) return;
  proto.add_dummy_prefix = false;
  later_ = load(proto, file);
}

SentencePieceModel::~SentencePieceModel() = default;

void SentencePieceModel::encode(std::string_view piece, bool first,
                                std::vector<int32_t>& ids) const {
  const Processor& processor = first || !later_ ? *first_ : *later_;
  std::vector<int> found;
  const auto status = processor.Encode(piece, &found);
  if (!status.ok()) {
    fail(ErrorKind::kData, {file_, "text"}, "text that the SentencePiece library refuses",
         "text that it takes", printable(status.ToString()));
  }
  ids.insert(ids.end(), found.begin(), found.end());
}

}  // namespace telora
