#define PCRE2_CODE_UNIT_WIDTH 8
#include "backbone/regex.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <string>

#include "backbone/regex_dialect.h"

namespace telora {

namespace {

constexpr size_t kMaxPatternBytes = 64 << 10;
constexpr size_t kJitStackBytes = 1 << 20;
constexpr uint32_t kMaxSteps = 2'000'000;   // of one match; an ordinary one takes a few dozen
constexpr uint32_t kMaxHeapKib = 16 << 10;  // without JIT
constexpr uint32_t kMaxNesting = 100;

template <typename T, void (*release)(T*)>
struct Releaser {
  void operator()(T* object) const { release(object); }
};
template <typename T, void (*release)(T*)>
using Owned = std::unique_ptr<T, Releaser<T, release>>;

// What one thread needs to run any pattern.
struct Scratch {
  Owned<pcre2_match_data, pcre2_match_data_free> data{pcre2_match_data_create(1, nullptr)};
  Owned<pcre2_match_context, pcre2_match_context_free> context{pcre2_match_context_create(nullptr)};
  Owned<pcre2_jit_stack, pcre2_jit_stack_free> stack{
      pcre2_jit_stack_create(32 << 10, kJitStackBytes, nullptr)};

  Scratch() {
    if (!data || !context) throw std::bad_alloc();
    pcre2_set_match_limit(context.get(), kMaxSteps);
    pcre2_set_heap_limit(context.get(), kMaxHeapKib);
    pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  }
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

std::string message_of(int code) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

pcre2_code* compile_pattern(const std::string& pattern, const Where& where, bool literal) {
  Owned<pcre2_compile_context, pcre2_compile_context_free> context(
      pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);  // what `.` leaves out
  pcre2_set_parens_nest_limit(context.get(), kMaxNesting);
  const uint32_t options = literal ? PCRE2_UTF | PCRE2_LITERAL : PCRE2_UTF | PCRE2_UCP;
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   options, &error, &offset, context.get());
  if (code == nullptr) {
    fail(ErrorKind::kData, where, fmt::format("pattern '{}'", printable(pattern)),
         "a valid regular expression", fmt::format("{} at {}", message_of(error), offset));
  }
  return code;
}

}  // namespace

PieceRegex::PieceRegex(std::string_view pattern, const Where& where, bool literal) : where_(where) {
  if (pattern.size() > kMaxPatternBytes) {
    fail(ErrorKind::kData, where, fmt::format("a pattern of {} bytes", pattern.size()),
         fmt::format("at most {}", kMaxPatternBytes));
  }
  compile(literal ? std::string(pattern) : to_pcre2(pattern, where), literal);
}

PieceRegex PieceRegex::grapheme_cluster() {
  PieceRegex regex;
  regex.compile("\\X", false);
  return regex;
}

void PieceRegex::compile(const std::string& pattern, bool literal) {
  pcre2_code* code = compile_pattern(pattern, where_, literal);
  code_ = std::shared_ptr<pcre2_code>(code, pcre2_code_free);
  jit_ = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
}

std::optional<TextRange> PieceRegex::find(std::string_view text, size_t begin) const {
  Scratch& own = scratch();
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const auto match = jit_ ? pcre2_jit_match : pcre2_match;
  const int result = match(code_.get(), subject, text.size(), begin, PCRE2_NO_UTF_CHECK,
                           own.data.get(), own.context.get());
  if (result >= 0) {
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(own.data.get());
    return TextRange{range[0], range[1]};
  }
  if (result == PCRE2_ERROR_NOMATCH) return std::nullopt;
  fail(ErrorKind::kData, where_,
       fmt::format("a match that cannot be finished ({})", message_of(result)),
       fmt::format("one within {} steps", kMaxSteps),
       "the pattern backtracks too much on this text");
}

}  // namespace telora
