#include "backbone/parallel.h"

#include <ATen/Parallel.h>

#ifndef _OPENMP
#error "backbone/parallel.cc must be compiled with OpenMP, or every kernel runs on one thread"
#endif

namespace telora {

void parallel_for(int64_t begin, int64_t end, int64_t grain,
                  const std::function<void(int64_t, int64_t)>& body) {
  at::parallel_for(begin, end, grain, body);
}

int64_t thread_count() { return at::get_num_threads(); }

}  // namespace telora
