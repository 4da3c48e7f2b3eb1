#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace telora {

// Lower case; every run of characters other than letters and digits (of any script) becomes one
// space; none at the ends. `text` must be valid UTF-8.
std::string normalise_text(std::string_view text);

// Two normalised texts are near-duplicates when the Jaccard similarity of their sets of
// five-character substrings is above 0.8; a shorter text is one substring. Clusters are the
// connected components. Returns for every text the smallest index of its cluster. Exact: candidates
// come from an inverted index over the rarest substrings (prefix filter: Chaudhuri et al., ICDE
// 2006; Bayardo et al., WWW 2007), and every candidate pair is compared in full.
std::vector<size_t> near_duplicate_clusters(const std::vector<std::string>& texts);

}  // namespace telora
