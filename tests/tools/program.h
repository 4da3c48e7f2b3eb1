#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace telora {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal if killed
  std::string out, err;
};

// The built program `name` (lora-train, ...) with its arguments, run to the end.
ProgramResult run_program(const std::string& name, const std::vector<std::string>& arguments);

// The same in the background; output goes to files of the folder `log`.
pid_t start_program(const std::string& name, const std::vector<std::string>& arguments,
                    const std::filesystem::path& log);
// Waits; 128 + signal if killed.
int wait_program(pid_t process);

// The backbone that tools/setup.sh links, empty where it is absent.
std::string smollm2_path();

// Every file below `folder` with its SHA-256, as text: equal before and after means untouched.
std::string folder_state(const std::filesystem::path& folder);

// The command failed with this exit code and one line that holds all parts.
void expect_refused(const ProgramResult& result, int code, const std::vector<std::string>& parts);

}  // namespace telora
