#pragma once

#include <functional>

namespace telora {

// Runs the body of a command and returns the process's exit code: the body's own, or, if it throws,
// that of the error contract (Error: its kind; out of memory or anything else: 70) after one line
// `error: …` on stderr. The only place where an exception becomes text.
int run_guarded(const std::function<int()>& body);

// Notes and warnings go to stderr as `warning: …`; with `quiet`, only errors.
void set_up_messages(bool quiet = false);

}  // namespace telora
