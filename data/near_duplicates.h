#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace telora {

// Lower case; every run of characters other than letters and digits (of any script) becomes one
// space; none at the ends. `text` must be valid UTF-8.
std::string normalise_text(std::string_view text);

// The text with every number (digits, at most one decimal point among them) replaced by #: equal
// for questions that differ in their numbers only.
std::string mask_numbers(std::string_view text);

// What the similarity of two texts is counted in: substrings of five characters, or five words in a
// row. A shorter text is one such piece.
enum class GramUnit { kCharacters, kWords };

// Two normalised texts are near-duplicates when the Jaccard similarity of their sets of pieces is
// above 0.8. Clusters are the connected components. Returns for every text the smallest index of
// its cluster. Exact: candidates come from an inverted index over the rarest pieces (prefix filter:
// Chaudhuri et al., ICDE 2006; Bayardo et al., WWW 2007), and every candidate pair is compared in
// full.
std::vector<size_t> near_duplicate_clusters(const std::vector<std::string>& texts,
                                            GramUnit unit = GramUnit::kCharacters);

// For every text the others that are near-duplicates of it, ascending. Texts should differ: n equal
// ones have n² pairs.
std::vector<std::vector<size_t>> near_duplicates(const std::vector<std::string>& texts,
                                                 GramUnit unit);

}  // namespace telora
