#include "data/near_duplicates.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "core/text.h"
#include "data/disjoint_sets.h"
#include "data/regex.h"

namespace telora {

namespace {

constexpr size_t kGramLength = 5;
// The threshold 0.8 as a fraction, so that no rounding decides.
constexpr size_t kOver = 4;
constexpr size_t kUnder = 5;

using Grams = std::vector<uint32_t>;  // a set: ascending, no duplicates

bool begins_piece(std::string_view text, size_t at, GramUnit unit) {
  return unit == GramUnit::kCharacters || at == 0 || text[at - 1] == ' ';
}

// Substrings of kGramLength characters or words, one from each character or word on.
std::vector<std::string_view> pieces(std::string_view text, GramUnit unit) {
  std::vector<size_t> starts;
  for (size_t at = 0; at < text.size(); next_code_point(text, at)) {
    if (begins_piece(text, at, unit)) starts.push_back(at);
  }
  if (starts.size() < kGramLength) return {text};
  const size_t gap = unit == GramUnit::kWords ? 1 : 0;  // the space before the next word
  starts.push_back(text.size() + gap);
  std::vector<std::string_view> out;
  for (size_t i = 0; i + kGramLength < starts.size(); ++i) {
    out.push_back(text.substr(starts[i], starts[i + kGramLength] - gap - starts[i]));
  }
  return out;
}

void make_set(Grams& grams) {
  std::ranges::sort(grams);
  grams.erase(std::unique(grams.begin(), grams.end()), grams.end());
}

// Numbers substrings by how many texts hold them, so that a set begins with its rarest members.
void rank_by_rarity(std::vector<Grams>& sets, size_t distinct) {
  std::vector<uint32_t> holders(distinct);
  for (const Grams& set : sets) {
    for (const uint32_t gram : set) ++holders[gram];
  }
  std::vector<uint32_t> order(distinct);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](uint32_t gram) { return holders[gram]; });
  std::vector<uint32_t> ranks(distinct);
  for (size_t rank = 0; rank < distinct; ++rank) ranks[order[rank]] = static_cast<uint32_t>(rank);
  for (Grams& set : sets) {
    for (uint32_t& gram : set) gram = ranks[gram];
    std::ranges::sort(set);
  }
}

// The set of each text, as numbers shared by all texts, the rarest first.
std::vector<Grams> gram_sets(const std::vector<std::string_view>& texts, GramUnit unit,
                             size_t& distinct) {
  std::unordered_map<std::string_view, uint32_t> numbers;
  std::vector<Grams> sets;
  for (const std::string_view text : texts) {
    Grams& set = sets.emplace_back();
    for (const std::string_view gram : pieces(text, unit)) {
      set.push_back(numbers.try_emplace(gram, static_cast<uint32_t>(numbers.size())).first->second);
    }
    make_set(set);
  }
  distinct = numbers.size();
  rank_by_rarity(sets, distinct);
  return sets;
}

// With c members in common of s in both together the similarity c / (s - c) is above 4/5 when
// 9c > 4s. Stops as soon as too many members of either set have no partner.
bool similar(const Grams& a, const Grams& b) {
  const size_t wanted = kOver * (a.size() + b.size()) / (kOver + kUnder) + 1;
  if (wanted > a.size() || wanted > b.size()) return false;
  size_t alone_a = 0;
  size_t alone_b = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) {
      ++i, ++j;
    } else if (a[i] < b[j]) {
      if (++alone_a, ++i; alone_a > a.size() - wanted) return false;
    } else if (++alone_b, ++j; alone_b > b.size() - wanted) {
      return false;
    }
  }
  return true;
}

// Sets above the threshold share at least ⌈4n/5⌉ members of the larger one (n members), hence one
// among the first n - ⌈4n/5⌉ + 1 of either.
size_t prefix_length(size_t size) { return size - (kOver * size + kUnder - 1) / kUnder + 1; }

// Calls visit(i, j) for every pair of similar sets of which known(i, j) does not hold.
template <typename Known, typename Visit>
void visit_similar(const std::vector<Grams>& sets, size_t distinct, Known known, Visit visit) {
  std::vector<size_t> order(sets.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return sets[i].size(); });
  std::vector<std::vector<uint32_t>> holders(distinct);
  std::vector<size_t> seen_by(sets.size(), sets.size());
  for (const size_t i : order) {
    const Grams& set = sets[i];
    for (size_t k = 0; k < prefix_length(set.size()); ++k) {
      for (const uint32_t j : holders[set[k]]) {
        if (std::exchange(seen_by[j], i) == i) continue;
        if (kUnder * sets[j].size() < kOver * set.size()) continue;
        if (!known(i, j) && similar(set, sets[j])) visit(i, size_t{j});
      }
      holders[set[k]].push_back(static_cast<uint32_t>(i));
    }
  }
}

}  // namespace

std::string normalise_text(std::string_view text) {
  static const Regex words(R"(([\p{L}\p{N}]+)|[^\p{L}\p{N}]+)");
  std::string out = words.replace(text, R"(${1:+\L$1: })");
  if (!out.empty() && out.back() == ' ') out.pop_back();
  if (!out.empty() && out.front() == ' ') out.erase(0, 1);
  return out;
}

std::string mask_numbers(std::string_view text) {
  static const Regex number(R"(\d+(?:\.\d+)?)");
  return number.replace(text, "#");
}

std::vector<size_t> near_duplicate_clusters(const std::vector<std::string>& texts, GramUnit unit) {
  std::unordered_map<std::string_view, size_t> numbers;
  std::vector<std::string_view> distinct_texts;
  std::vector<size_t>
      which;  // for each text its number among the distinct ones, by first appearance
  for (const std::string& text : texts) {
    const auto [found, is_new] = numbers.try_emplace(text, distinct_texts.size());
    if (is_new) distinct_texts.push_back(text);
    which.push_back(found->second);
  }
  DisjointSets clusters(distinct_texts.size());
  size_t distinct = 0;
  const std::vector<Grams> sets = gram_sets(distinct_texts, unit, distinct);
  visit_similar(
      sets, distinct, [&](size_t i, size_t j) { return clusters.find(i) == clusters.find(j); },
      [&](size_t i, size_t j) { clusters.join(i, j); });

  std::vector<size_t> first(distinct_texts.size(), texts.size());
  std::vector<size_t> result(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t cluster = clusters.find(which[i]);
    first[cluster] = std::min(first[cluster], i);
    result[i] = first[cluster];
  }
  return result;
}

std::vector<std::vector<size_t>> near_duplicates(const std::vector<std::string>& texts,
                                                 GramUnit unit) {
  size_t distinct = 0;
  const std::vector<Grams> sets = gram_sets({texts.begin(), texts.end()}, unit, distinct);
  std::vector<std::vector<size_t>> near(texts.size());
  visit_similar(
      sets, distinct, [](size_t, size_t) { return false; },
      [&](size_t i, size_t j) {
        near[i].push_back(j);
        near[j].push_back(i);
      });
  for (std::vector<size_t>& list : near) std::ranges::sort(list);
  return near;
}

}  // namespace telora
