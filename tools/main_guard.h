#pragma once

#include <exception>
#include <functional>
#include <string>

namespace telora {

// Runs the body of a command and returns the process's exit code: the body's own, or, if it throws,
// that of the error contract (Error: its kind; out of memory or anything else: 70) after one line
// `error: …` on stderr. An exception becomes text here only.
int run_guarded(const std::function<int()>& body);

// An exception as run_guarded() shows it.
struct Failure {
  int code = 0;
  std::string message;
};
Failure describe(const std::exception_ptr& exception);

// Prints `error: …` on stderr.
void print_error(const std::string& message);

// Notes and warnings go to stderr as `warning: …`; with `quiet`, only errors.
void set_up_messages(bool quiet = false);

}  // namespace telora
