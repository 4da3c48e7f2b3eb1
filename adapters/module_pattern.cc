#include "adapters/module_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace telora {

namespace {

constexpr size_t kMaxPatternBytes = 1000;
constexpr uint32_t kMatchLimit =
    1000;  // nested calls of the engine: look-around, atomic groups, recursion
constexpr uint32_t kDepthLimit = 50;
constexpr uint32_t kHeapLimitKiB = 256;
constexpr size_t kWorkspace = 1000;  // ints: bounds the states alive at one position

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Code = std::unique_ptr<pcre2_code, Freed<pcre2_code_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Freed<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Freed<pcre2_match_context_free>>;

std::string pcre_message(int code) {
  std::array<PCRE2_UCHAR, 200> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

Code compile(const std::string& pattern, const Where& where, ErrorKind kind = ErrorKind::kData) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  const uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_ANCHORED;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options,
                          &error, &offset, nullptr));
  if (!code) {
    fail(kind, where,
         fmt::format("'{}' ({} at character {})", printable(pattern), pcre_message(error), offset),
         "a regular expression");
  }
  return code;
}

[[noreturn]] void fail_match(int status, const std::string& pattern, const Where& where) {
  const bool unsupported = status == PCRE2_ERROR_DFA_UITEM || status == PCRE2_ERROR_DFA_UCOND ||
                           status == PCRE2_ERROR_DFA_UINVALID_UTF;
  fail(ErrorKind::kData, where, fmt::format("'{}' ({})", printable(pattern), pcre_message(status)),
       unsupported ? "a pattern without back-references or conditional groups"
                   : "a pattern that can be decided within the matching limits",
       "list the module names instead");
}

MatchContext limits() {
  MatchContext context(pcre2_match_context_create(nullptr));
  if (!context) throw std::bad_alloc();
  pcre2_set_match_limit(context.get(), kMatchLimit);
  pcre2_set_depth_limit(context.get(), kDepthLimit);
  pcre2_set_heap_limit(context.get(), kHeapLimitKiB);
  return context;
}

bool run(const std::string& expression, std::string_view name, const std::string& shown,
         const Where& where) {
  check_pattern(shown, where);
  const Code code = compile(expression, where);
  const MatchData data(pcre2_match_data_create(1, nullptr));
  const MatchContext context = limits();
  std::array<int, kWorkspace> workspace;
  const int status = pcre2_dfa_match(code.get(), reinterpret_cast<PCRE2_SPTR>(name.data()),
                                     name.size(), 0, PCRE2_DFA_SHORTEST, data.get(), context.get(),
                                     workspace.data(), workspace.size());
  if (status == PCRE2_ERROR_NOMATCH) return false;
  if (status < 0) fail_match(status, shown, where);
  return true;
}

bool plain_equal(std::string_view pattern, std::string_view name) {
  return std::equal(pattern.begin(), pattern.end(), name.begin(), name.end(),
                    [](char p, char c) { return p == c || (p == '.' && c != '\n'); });
}

}  // namespace

bool is_plain_pattern(std::string_view pattern) {
  return std::all_of(pattern.begin(), pattern.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

void check_pattern(const std::string& pattern, const Where& where, ErrorKind kind) {
  if (pattern.size() > kMaxPatternBytes) {
    fail(kind, where, fmt::format("a pattern of {} bytes", pattern.size()),
         fmt::format("at most {}", kMaxPatternBytes));
  }
  compile(pattern, where, kind);
}

bool matches_whole(const std::string& pattern, std::string_view name, const Where& where) {
  if (is_plain_pattern(pattern)) return plain_equal(pattern, name);
  return run(fmt::format("(?:{})\\z", pattern), name, pattern, where);
}

bool matches_tail(const std::string& pattern, std::string_view name, const Where& where) {
  if (!is_plain_pattern(pattern)) {
    return run(fmt::format("(?:.*\\.)?(?:{})\\z", pattern), name, pattern, where);
  }
  if (pattern.size() > name.size()) return false;
  const size_t start = name.size() - pattern.size();
  return (start == 0 || name[start - 1] == '.') && plain_equal(pattern, name.substr(start));
}

}  // namespace telora
