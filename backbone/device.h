#pragma once

#include <c10/core/Device.h>

#include <string>

namespace telora {

// The device of --device: "cpu", or "cuda", the first GPU that CUDA_VISIBLE_DEVICES leaves. For a
// GPU, LibTorch is told to choose algorithms that give the same bits each time. Throws
// Error(unavailable), saying what to do, when this build has no CUDA or the machine no GPU;
// Error(usage) for another name.
at::Device open_device(const std::string& name);

}  // namespace telora
