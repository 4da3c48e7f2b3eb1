#pragma once

#include <cstdint>
#include <functional>

namespace telora {

// parallel_for on LibTorch's own threads. LibTorch's is a header template over OpenMP and runs
// serially in a source that is not compiled with it; here that is one source file.
void parallel_for(int64_t begin, int64_t end, int64_t grain,
                  const std::function<void(int64_t, int64_t)>& body);

// Calls task(i) for i in [0, count), each thread taking the next one when it is done with one: tasks
// must write apart from each other. Take the largest first.
void parallel_tasks(int64_t count, const std::function<void(int64_t)>& task);

// How many threads there are.
int64_t thread_count();

}  // namespace telora
