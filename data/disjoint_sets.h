#pragma once

#include <cstddef>
#include <numeric>
#include <vector>

namespace telora {

// Disjoint sets of 0 … count-1; a set is named by its smallest member.
class DisjointSets {
 public:
  explicit DisjointSets(size_t count) : parents_(count) {
    std::iota(parents_.begin(), parents_.end(), size_t{0});
  }

  size_t find(size_t member) {
    while (parents_[member] != member) {
      parents_[member] = parents_[parents_[member]];
      member = parents_[member];
    }
    return member;
  }

  void join(size_t a, size_t b) {
    a = find(a);
    b = find(b);
    parents_[a < b ? b : a] = a < b ? a : b;
  }

 private:
  std::vector<size_t> parents_;
};

}  // namespace telora
