#include "scoring/hashed_text.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/text.h"
#include "data/regex.h"

namespace telora {

namespace {

constexpr int kBucketBits = 22;

// FNV-1a, then the finaliser of SplitMix64, so that neighbouring words share no bits.
uint64_t hash(std::string_view text) {
  uint64_t value = 0xCBF29CE484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

uint32_t bucket(uint64_t hash) { return static_cast<uint32_t>(hash >> (64 - kBucketBits)); }

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  static const Regex word(R"(([\p{L}\p{N}_]+))");
  std::vector<std::string> words = word.captures(text);
  for (std::string& w : words) {
    for (char& c : w) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return words;
}

std::vector<uint32_t> HashedText::buckets(std::string_view text) const {
  std::vector<uint32_t> found;
  uint64_t before = 0;
  for (const std::string& word : words_of(text)) {
    if (count_code_points(word) < options_.shortest_word) continue;
    const uint64_t now = hash(word);
    found.push_back(bucket(now));
    if (before != 0) found.push_back(bucket((before ^ (now >> 1)) * 0x9E3779B97F4A7C15));
    before = now;
  }
  return found;
}

HashedText::HashedText(const std::vector<std::string>& training, Options options)
    : options_(options), numbers_(size_t{1} << kBucketBits) {
  std::vector<uint32_t> order;  // buckets by first appearance
  std::vector<uint32_t> holders(numbers_.size());
  for (const std::string& text : training) {
    std::vector<uint32_t> held = buckets(text);
    std::ranges::sort(held);
    held.erase(std::unique(held.begin(), held.end()), held.end());
    for (const uint32_t b : held) {
      if (++holders[b] == options_.fewest_texts) order.push_back(b);
    }
  }
  for (const uint32_t b : order) {
    if (training.size() > 1 && holders[b] == training.size()) continue;
    const double share = (1 + static_cast<double>(training.size())) / (1 + holders[b]);
    weights_.push_back(std::log(share) + 1);
    numbers_[b] = static_cast<uint32_t>(weights_.size());
  }
}

Features HashedText::features(std::string_view text) const {
  std::vector<uint32_t> indices;
  for (const uint32_t b : buckets(text)) {
    if (numbers_[b] != 0) indices.push_back(numbers_[b] - 1);
  }
  std::ranges::sort(indices);
  std::vector<std::pair<uint32_t, double>> counted;
  double squares = 0;
  for (size_t i = 0; i < indices.size();) {
    size_t end = i;
    while (end < indices.size() && indices[end] == indices[i]) ++end;
    const double count = 1 + std::log(static_cast<double>(end - i));
    counted.emplace_back(indices[i], count * weights_[indices[i]]);
    squares += counted.back().second * counted.back().second;
    i = end;
  }
  Features features;
  for (const auto& [index, value] : counted) {
    features.push_back({index, static_cast<float>(value / std::sqrt(squares))});
  }
  return features;
}

}  // namespace telora
