#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace telora {

// A subcommand of a program: where its flags are parsed, and what it does with them. `run` returns
// the exit code, or throws Error.
struct Subcommand {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

}  // namespace telora
