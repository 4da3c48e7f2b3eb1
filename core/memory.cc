#include "core/memory.h"

#if defined(__linux__)
#include <malloc.h>
#endif

#include <climits>

namespace telora {

void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

}  // namespace telora
