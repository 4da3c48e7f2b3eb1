#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace telora {

struct Feature {
  uint32_t index = 0;
  float value =
      0;  // training reads millions of them, again and again: half the memory, half the time
};
using Features = std::vector<Feature>;  // ascending indices, each once

// A bag of the words, and pairs of neighbouring words, of a text, weighted by how few training
// texts hold them (tf-idf with 1 + log counts, smoothed, unit length). Words are hashed, so the
// texts themselves are not kept. Only what at least `fewest_texts` training texts hold counts, and
// not what all of them hold.
class HashedText {
 public:
  struct Options {
    size_t fewest_texts = 2;
    size_t shortest_word = 2;  // in letters, digits and underscores
  };
  HashedText(const std::vector<std::string>& training, Options options);

  Features features(std::string_view text) const;
  size_t size() const { return weights_.size(); }

 private:
  std::vector<uint32_t> buckets(std::string_view text) const;  // of each word and pair, unordered

  Options options_;
  std::vector<uint32_t> numbers_;  // by bucket: 1 + index of the feature; 0: none
  std::vector<double> weights_;    // by index: inverse frequency
};

// Letters, digits and underscores, ASCII capitals made small.
std::vector<std::string> words_of(std::string_view text);

}  // namespace telora
