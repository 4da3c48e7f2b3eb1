#include "backbone/parallel.h"

#include <ATen/Parallel.h>

#include <atomic>

#ifndef _OPENMP
#error "backbone/parallel.cc must be compiled with OpenMP, or every kernel runs on one thread"
#endif

namespace telora {

void parallel_for(int64_t begin, int64_t end, int64_t grain,
                  const std::function<void(int64_t, int64_t)>& body) {
  at::parallel_for(begin, end, grain, body);
}

void parallel_tasks(int64_t count, const std::function<void(int64_t)>& task) {
  std::atomic<int64_t> next = 0;
  at::parallel_for(0, std::min<int64_t>(count, thread_count()), 1, [&](int64_t, int64_t) {
    for (int64_t i = next++; i < count; i = next++) task(i);
  });
}

int64_t thread_count() { return at::get_num_threads(); }

}  // namespace telora
