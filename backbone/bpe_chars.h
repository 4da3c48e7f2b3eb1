#pragma once

#include <array>
#include <memory>
#include <unordered_map>

#include "backbone/bpe.h"
#include "backbone/piece_model.h"

namespace telora {

// Byte pair encoding that starts from characters, as Llama 2 and Gemma do: one without a token
// becomes its UTF-8 bytes, spelled <0x00> to <0xFF>, or the unknown token.
class CharacterBpe : public PieceModel {
 public:
  // `vocabulary` must outlive this. Throws as MergeTable.
  CharacterBpe(const Vocabulary& vocabulary, std::span<const Merge> merges, BpeOptions options,
               bool byte_fallback, const std::string& file, const std::string& field);

  void encode(std::string_view piece, bool first, std::vector<int32_t>& ids) const override;

 private:
  class Symbols;

  const Vocabulary& vocabulary_;
  MergeTable merges_;
  std::unordered_map<char32_t, int32_t> characters_;
  std::array<int32_t, 256> bytes_;  // -1: no such token, or no byte fallback
  BpeOptions options_;
};

}  // namespace telora
