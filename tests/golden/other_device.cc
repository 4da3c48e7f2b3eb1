#include "tests/golden/other_device.h"

#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <cstdlib>

#include "backbone/device.h"
#include "backbone/torch.h"

namespace telora::golden {

namespace {

constexpr at::DeviceType kType = at::DeviceType::PrivateUse1;

// Turns a pointer into one that no process can follow, and back: a bit below those that ARM ignores,
// above all that a process has.
void* disguised(void* pointer) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(pointer) ^ (uintptr_t{1} << 55));
}

struct Allocator : c10::Allocator {
  at::DataPtr allocate(size_t bytes) override {
    void* const memory = std::malloc(bytes > 0 ? bytes : 1);
    return {disguised(memory), memory, &std::free, other_device()};
  }
  at::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(disguised(to), disguised(const_cast<void*>(from)), bytes);
  }
};

Allocator& allocator() {
  static Allocator one;
  return one;
}

constexpr c10::DispatchKeySet kKeys(c10::DispatchKey::PrivateUse1);

at::Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> type,
                 std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>,
                 std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &allocator(), kKeys, c10::dtype_or_default(type), format);
}

at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride,
                         std::optional<at::ScalarType> type, std::optional<at::Layout>,
                         std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &allocator(), kKeys,
                                           c10::dtype_or_default(type));
}

// The same memory as a tensor of the CPU.
at::Tensor on_cpu(const at::Tensor& x) {
  if (x.is_cpu() || x.numel() == 0) return x.is_cpu() ? x : at::empty(x.sizes(), x.scalar_type());
  return at::from_blob(disguised(x.data_ptr()), x.sizes(), x.strides(),
                       at::TensorOptions(x.scalar_type()));
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  on_cpu(to).copy_(on_cpu(from));
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  if (from.sizes() != to.sizes()) at::native::resize_(to, from.sizes());
  return copy_from(from, to, false);
}

// Numbers without dimensions may come from anywhere, all else must be here.
void require_here(const c10::IValue& value, const std::string& operation) {
  if (value.isTensorList()) {
    for (const at::Tensor& x : value.toTensorVector()) require_here(x, operation);
  }
  if (!value.isTensor() || !value.toTensor().defined() || value.toTensor().dim() == 0) return;
  TORCH_CHECK(value.toTensor().device().type() == kType, "other device: ", operation,
              " meets a tensor of ", value.toTensor().device());
}

void run_on_cpu(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  const size_t arguments = operation.schema().arguments().size();
  for (const c10::IValue& value : torch::jit::last(*stack, arguments)) {
    require_here(value, operation.schema().name());
  }
  at::native::cpu_fallback(operation, stack);
}

// One device with one stream, on which everything is done when it has been asked for.
struct Guard : c10::impl::NoOpDeviceGuardImpl<kType> {
  at::Device exchangeDevice(at::Device) const override { return {kType, 0}; }
  at::Device getDevice() const override { return {kType, 0}; }
  c10::Stream getStream(at::Device) const noexcept override { return stream(); }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return stream(); }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, c10::DeviceIndex) const noexcept override {}
  static c10::Stream stream() { return c10::Stream(c10::Stream::DEFAULT, {kType, 0}); }
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

struct Hooks : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
};

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("as_strided", at::native::as_strided_tensorimpl);
  library.impl("resize_", at::native::resize_);
  library.impl("view", at::native::view);
  library.impl("_reshape_alias", at::native::_reshape_alias);
  library.impl("_copy_from", copy_from);
  library.impl("_copy_from_and_resize", copy_from_and_resize);
}

}  // namespace

at::Device other_device() {
  static const bool registered = [] {
    static Hooks hooks;
    at::RegisterPrivateUse1HooksInterface(&hooks);
    c10::register_privateuse1_backend("other");
    return true;
  }();
  return {kType, static_cast<c10::DeviceIndex>(registered ? 0 : -1)};
}

std::vector<at::Device> devices_beside_the_cpu() {
  std::vector<at::Device> devices{other_device()};
  if (at::hasCUDA()) devices.push_back(open_device("cuda"));
  return devices;
}

}  // namespace telora::golden
