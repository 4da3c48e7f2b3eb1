#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace telora {

// What all commands have: --version, an example under --help, no abbreviations.
void set_up_command(CLI::App& app, const std::string& example);

// Parses the flags; empty when the command is to go on, otherwise its exit code (0 after --help or
// --version). A usage mistake throws Error(usage) with the nearest known flag.
std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv);

}  // namespace telora
