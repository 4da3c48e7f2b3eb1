#include "backbone/device.h"

#include <ATen/Context.h>

#include <cstdlib>

#include "core/error.h"

namespace telora {

namespace {

#ifdef TELORA_CUDA
constexpr bool kBuiltWithCuda = true;
#else
constexpr bool kBuiltWithCuda = false;
#endif

void require_cuda() {
  if (!kBuiltWithCuda) {
    fail(ErrorKind::kUnavailable, {"--device", ""}, "cuda", "cpu: this program has no CUDA in it",
         "build with cmake --preset cuda (CONTRIBUTING.md), or use --device cpu");
  }
  if (!at::hasCUDA()) {
    fail(ErrorKind::kUnavailable, {"--device", ""}, "no GPU that CUDA can use", "one for cuda",
         "check nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu");
  }
}

// A resumed run must meet the same bits. cuBLAS reads the variable when it is first used; memory
// need not be filled for that, every kernel here writes what is read.
void ask_for_equal_bits() {
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

}  // namespace

at::Device open_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  if (name != "cuda") fail(ErrorKind::kUsage, {"--device", ""}, "'" + name + "'", "cpu or cuda");
  require_cuda();
  ask_for_equal_bits();
  return {at::kCUDA, 0};
}

}  // namespace telora
