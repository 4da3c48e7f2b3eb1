#include "tests/fuzz/memory_watch.h"

#include <sanitizer/allocator_interface.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "backbone/piece_cache.h"

namespace telora::fuzz {

namespace {

// A JSON value of two bytes ("1,") is a node of 16, in a vector that doubles: 24 bytes for one of
// the file.
constexpr int64_t kBase = 1 << 18;
constexpr int64_t kTimes = 40;

bool watching = false;
int64_t live = 0;
int64_t limit = 0;

void on_malloc(const volatile void*, size_t size) {
  if (!watching) return;
  live += static_cast<int64_t>(size);
  if (live <= limit) return;
  watching = false;
  std::fprintf(stderr, "%lld bytes are allocated, at most %lld for this input\n",
               static_cast<long long>(live), static_cast<long long>(limit));
  std::abort();
}

void on_free(const volatile void* block) {
  if (!watching || block == nullptr) return;
  live -= static_cast<int64_t>(__sanitizer_get_allocated_size(const_cast<const void*>(block)));
}

}  // namespace

MemoryWatch::MemoryWatch(size_t input_bytes) {
  static const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  PieceCache::of_this_thread();  // belongs to the thread, not to an input
  live = 0;
  limit = kBase + kTimes * static_cast<int64_t>(input_bytes);
  watching = installed > 0;
}

MemoryWatch::~MemoryWatch() { watching = false; }

}  // namespace telora::fuzz
