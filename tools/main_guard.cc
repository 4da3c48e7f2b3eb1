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

void print_error(std::string_view message) {
  std::fprintf(stderr, "%serror: %.*s\n", line_start(), static_cast<int>(message.size()),
               message.data());
  std::fflush(stderr);
}

// LibTorch appends a stack trace to its messages; the first line says what is wrong.
std::string first_line(std::string_view text) {
  return printable(text.substr(0, text.find('\n')), 4000);
}

}  // namespace

int run_guarded(const std::function<int()>& body) {
  std::signal(SIGXFSZ,
              SIG_IGN);  // a file-size limit is then an error of the write, with its message
  try {
    return body();
  } catch (const Error& error) {
    print_error(error.what());
    return error.exit_code();
  } catch (const std::bad_alloc&) {
    print_error("out of memory; use a smaller model, batch or context, or free memory");
    return kInternal;
  } catch (const std::exception& error) {
    print_error("internal: " + first_line(error.what()));
    return kInternal;
  } catch (...) {
    print_error("internal: an exception of unknown type");
    return kInternal;
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
