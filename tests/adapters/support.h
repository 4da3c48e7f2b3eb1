#pragma once

#include <ATen/core/Tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "adapters/peft_folder.h"
#include "backbone/decoder_spec.h"
#include "core/error.h"

namespace telora::testing {

// The base model that peft_tiny/make.py adapts: 2 blocks, hidden 16, keys 8, intermediate 24.
std::vector<ModuleShape> tiny_base();

// A folder written by PEFT, beside the tests' sources.
std::filesystem::path peft_folder(const std::string& name);

// Expects an Error of this kind whose message holds every part; returns the message.
std::string expect_error(ErrorKind kind, const std::vector<std::string>& parts,
                         const std::function<void()>& action);

// Of this process; unlike a clock on the wall it does not count what else the machine does.
double cpu_seconds();

// Tensors as they stand in a file, by their full names.
using NamedTensors = std::map<std::string, at::Tensor>;

// A[i][j] and B[i][j] all different, rank 4, for q_proj and v_proj of each block of tiny_base().
NamedTensors good_tensors();
// "base_model.model.model.layers.<layer>.self_attn.<rest>"
std::string attention_name(int layer, const std::string& rest);

// A config of rank 4 and alpha 8 for q_proj and v_proj, with `changes` put over it: key -> JSON
// text.
std::string config_text(const std::map<std::string, std::string>& changes = {});

void write_tensors(const std::filesystem::path& path, const NamedTensors& tensors);
void write_text(const std::filesystem::path& path, const std::string& text);
std::string read_bytes(const std::filesystem::path& path);

}  // namespace telora::testing
