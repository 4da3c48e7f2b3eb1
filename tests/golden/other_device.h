#pragma once

#include <c10/core/Device.h>

#include <vector>

namespace telora::golden {

// A device for tests that stands in for a GPU where there is none. Its memory cannot be read by the
// processor: a pointer to it faults when it is followed. Each operation copies its tensors to the
// CPU, runs there and copies the results back, so results are the CPU's. Tensors of two devices in
// one operation are an error, as on a GPU.
at::Device other_device();

// The stand-in, and the first GPU of a machine that has one.
std::vector<at::Device> devices_beside_the_cpu();

}  // namespace telora::golden
