#pragma once

// The part of LibTorch that telora uses: tensors, their functions, autograd. <torch/torch.h> would
// bring the whole C++ front end (modules, data loaders, JIT) into every source and double the time
// to compile one.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>
