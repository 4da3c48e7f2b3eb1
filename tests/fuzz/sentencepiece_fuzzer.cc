#include "tests/fuzz/memory_watch.h"
#include "tests/fuzz/targets.h"

// libFuzzer's own mutations: the format has no counts or sums that must fit together, only lengths
// of nested messages, and telora's reader goes through them without recursion.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const telora::fuzz::MemoryWatch watch(size);
  telora::fuzz::read_sentencepiece({reinterpret_cast<const char*>(data), size});
  return 0;
}
