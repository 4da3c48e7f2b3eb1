#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backbone/decoder.h"

namespace telora {

// Builds one forward pass over rows whose keys and values live in a cache.
class CachedForward {
 public:
  // Tokens that continue the cache range [begin, begin + known): they are stored right behind it.
  // Returns the index of the first of them within the pass.
  int64_t extend(int64_t begin, int64_t known, std::span<const int32_t> ids);
  // Tokens that continue the range [begin, begin + known) but are stored from slot `own` on, behind
  // `own_known` of their branch that lie there already.
  int64_t branch(int64_t begin, int64_t known, int64_t own, std::span<const int32_t> ids,
                 int64_t own_known = 0);
  // The adapter that tokens added from here on take, where several are attached.
  void use(size_t choice) { choice_ = choice; }
  // Asks for the logits behind token `index` of the pass; returns their row in run()'s result.
  int64_t want(int64_t index);

  int64_t tokens() const { return std::ssize(ids_); }
  bool empty() const { return ids_.empty(); }
  // Stores keys and values, returns the wanted logits [n, V] float32.
  at::Tensor run(const Decoder& decoder, KeyValueCache& cache) const;

 private:
  int64_t add(AttentionSegment segment, int64_t first_slot, int64_t first_position,
              std::span<const int32_t> ids);
  std::vector<int64_t> ids_, positions_, slots_, wanted_;
  std::vector<AttentionSegment> segments_;
  size_t choice_ = 0;
};

}  // namespace telora
