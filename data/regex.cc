#include "data/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <array>

#include "core/error.h"

namespace telora {

namespace {

constexpr uint32_t kMatchLimit = 1'000'000;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using MatchData = std::unique_ptr<pcre2_match_data, Deleter<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Deleter<pcre2_match_context_free>>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Deleter<pcre2_compile_context_free>>;

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

[[noreturn]] void fail_regex(int code, std::string_view what) {
  std::array<PCRE2_UCHAR, 160> message{};
  pcre2_get_error_message(code, message.data(), message.size());
  throw Error(ErrorKind::kInternal, fmt::format("regular expression: {}: {}", what,
                                                reinterpret_cast<const char*>(message.data())));
}

const pcre2_code* get(const std::shared_ptr<void>& code) {
  return static_cast<const pcre2_code*>(code.get());
}

// One match at or after byte `at`: the number of groups, 0 or less if there is none.
int match_once(const pcre2_code* code, std::string_view text, size_t at, uint32_t flags,
               pcre2_match_data* match) {
  const MatchContext context(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(context.get(), kMatchLimit);
  const int groups = pcre2_match(code, units(text), text.size(), at, flags, match, context.get());
  if (groups < PCRE2_ERROR_NOMATCH && groups != PCRE2_ERROR_MATCHLIMIT) fail_regex(groups, "match");
  return groups;
}

}  // namespace

Regex::Regex(std::string_view pattern, Options options) {
  uint32_t flags = PCRE2_UTF | PCRE2_UCP;
  if (options.ignore_case) flags |= PCRE2_CASELESS;
  if (options.multiline) flags |= PCRE2_MULTILINE;
  const CompileContext context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code =
      pcre2_compile(units(pattern), pattern.size(), flags, &error, &offset, context.get());
  if (code == nullptr) fail_regex(error, pattern);
  code_ =
      std::shared_ptr<void>(code, [](void* p) { pcre2_code_free(static_cast<pcre2_code*>(p)); });
}

bool Regex::matches(std::string_view text) const {
  const MatchData match(pcre2_match_data_create_from_pattern(get(code_), nullptr));
  return match_once(get(code_), text, 0, 0, match.get()) > 0;
}

std::vector<std::string> Regex::captures(std::string_view text) const {
  const MatchData match(pcre2_match_data_create_from_pattern(get(code_), nullptr));
  std::vector<std::string> found;
  uint32_t flags = PCRE2_NOTEMPTY;
  for (size_t at = 0; at <= text.size(); flags |= PCRE2_NO_UTF_CHECK) {
    if (match_once(get(code_), text, at, flags, match.get()) < 2) break;
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(match.get());
    found.emplace_back(text.substr(ends[2], ends[3] - ends[2]));
    at = ends[1];
  }
  return found;
}

std::string Regex::replace(std::string_view text, std::string_view replacement) const {
  constexpr uint32_t kFlags = PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_EXTENDED |
                              PCRE2_SUBSTITUTE_UNSET_EMPTY | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH;
  std::string out(text.size() + 64, '\0');
  for (;;) {
    PCRE2_SIZE length = out.size();
    const int result = pcre2_substitute(get(code_), units(text), text.size(), 0, kFlags, nullptr,
                                        nullptr, units(replacement), replacement.size(),
                                        reinterpret_cast<PCRE2_UCHAR*>(out.data()), &length);
    if (result < 0 && result != PCRE2_ERROR_NOMEMORY) fail_regex(result, "replace");
    out.resize(length);
    if (result >= 0) return out;
  }
}

}  // namespace telora
