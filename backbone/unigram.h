#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "backbone/piece_model.h"
#include "backbone/vocabulary.h"

namespace telora {

// A unigram model (Kudo, 2018): the segmentation of the highest total score. Ties, the score of
// unknown characters (10 below the lowest) and double precision follow the tokenizers library.
class Unigram : public PieceModel {
 public:
  // `scores` of the first scores.size() tokens of `vocabulary`, which must outlive this;
  // `unknown` -1: none. With `byte_fallback` an unknown run becomes byte tokens if there are all.
  Unigram(const Vocabulary& vocabulary, std::vector<double> scores, int32_t unknown,
          bool byte_fallback, std::string file);

  // Throws Error(data) for an unknown character where the model has no unknown token.
  void encode(std::string_view piece, bool first, std::vector<int32_t>& ids) const override;

 private:
  struct Node {
    double score = 0;      // of the best segmentation that ends here
    size_t begin = kNone;  // where its last token begins
    int32_t id = -1;
  };
  static constexpr size_t kNone = SIZE_MAX;

  void extend(std::string_view piece, size_t begin, size_t character,
              std::vector<Node>& best) const;
  void append(std::string_view token, std::vector<int32_t>& ids) const;

  // A trie over bytes: children of node n stand in edges_ under n * 256 + byte.
  std::unordered_map<uint64_t, int32_t> edges_;
  std::vector<int32_t> tokens_;  // by node; -1: no token ends here
  std::vector<double> scores_;
  std::unordered_map<std::string_view, int32_t> ids_;
  std::array<int32_t, 256> bytes_;
  int32_t unknown_;
  double unknown_score_;
  std::string file_;
};

}  // namespace telora
