#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "backbone/checkpoint.h"
#include "core/error.h"

namespace telora {

// What an Error said.
struct Failure {
  ErrorKind kind;
  std::string message;
};

// Fails the test if nothing is thrown, or anything but an Error.
inline Failure failure_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  ADD_FAILURE() << "nothing was refused";
  return {ErrorKind::kInternal, {}};
}

// Of opening and reading everything.
inline Failure failure_of(const std::filesystem::path& path, at::ScalarType dtype = at::kFloat) {
  SCOPED_TRACE(path.string());
  return failure_of([&] { Checkpoint::open(path).load_all(dtype); });
}

}  // namespace telora
