#pragma once

#include <memory>
#include <string>

#include "backbone/piece_model.h"
#include "backbone/sentencepiece_proto.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace telora {

// Which stretches of text get the model's dummy prefix, where it has one.
enum class DummyPrefix { kEveryStretch, kFirstStretch };

// A model run by the SentencePiece library, normalisation included.
class SentencePieceModel : public PieceModel {
 public:
  // `proto` must have passed check_sentencepiece. Throws Error(data) naming `file` for what the
  // library refuses all the same.
  SentencePieceModel(SentencePieceProto proto, DummyPrefix prefix, const std::string& file);
  ~SentencePieceModel() override;

  void encode(std::string_view piece, bool first, std::vector<int32_t>& ids) const override;

 private:
  std::unique_ptr<sentencepiece::SentencePieceProcessor> first_;
  std::unique_ptr<sentencepiece::SentencePieceProcessor> later_;  // null: the same as first_
  std::string file_;
};

}  // namespace telora
