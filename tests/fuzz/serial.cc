// The fuzzers have no LibTorch, whose threads the program uses.
#include "backbone/parallel.h"

namespace telora {

void parallel_for(int64_t begin, int64_t end, int64_t,
                  const std::function<void(int64_t, int64_t)>& body) {
  if (begin < end) body(begin, end);
}

int64_t thread_count() { return 1; }

}  // namespace telora
