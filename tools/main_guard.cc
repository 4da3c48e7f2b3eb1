#include "tools/main_guard.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "core/error.h"

namespace telora {

namespace {

constexpr int kInternal = static_cast<int>(ErrorKind::kInternal);

// Takes a progress line that is being redrawn out of the way.
const char* line_start() { return isatty(STDERR_FILENO) ? "\r\x1b[K" : ""; }

// LibTorch appends a stack trace to its messages; the first line says what is wrong.
std::string first_line(std::string_view text) {
  return printable(text.substr(0, text.find('\n')), 4000);
}

}  // namespace

void print_error(const std::string& message) {
  std::fprintf(stderr, "%serror: %s\n", line_start(), message.c_str());
  std::fflush(stderr);
}

Failure describe(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return {error.exit_code(), error.what()};
  } catch (const std::bad_alloc&) {
    return {kInternal, "out of memory; use a smaller model, batch or context, or free memory"};
  } catch (const std::exception& error) {
    return {kInternal, "internal: " + first_line(error.what())};
  } catch (...) {
    return {kInternal, "internal: an exception of unknown type"};
  }
}

int run_guarded(const std::function<int()>& body) {
  std::signal(SIGXFSZ,
              SIG_IGN);  // a file-size limit is then an error of the write, with its message
  try {
    return body();
  } catch (...) {
    const Failure failure = describe(std::current_exception());
    print_error(failure.message);
    return failure.code;
  }
}

void set_up_messages(bool quiet) {
  auto logger =
      std::make_shared<spdlog::logger>("telora", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern(std::string(line_start()) + "%l: %v");
  logger->set_level(quiet ? spdlog::level::err : spdlog::level::info);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace telora
