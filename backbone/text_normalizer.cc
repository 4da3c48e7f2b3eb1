#include "backbone/text_normalizer.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>

#include "core/text.h"

namespace telora {

namespace {

struct CodePoints {
  char32_t first, last;
};

// Characters whose combining class or composition is newer than the tables of the tokenizers
// library (Unicode 9): there they neither move nor join. Found by comparing every code point; see
// code_points() in tests/reference/tokenizer_kinds_reference.py.
constexpr CodePoints kUnknownToReference[] = {
    {0x7FD, 0x7FD},     {0x898, 0x89F},     {0x8CA, 0x8D3},     {0x9FE, 0x9FE},
    {0xC3C, 0xC3C},     {0xD3B, 0xD3C},     {0xEBA, 0xEBA},     {0x1715, 0x1715},
    {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},   {0xA82C, 0xA82C},   {0x10D24, 0x10D27},
    {0x10EAB, 0x10EAC}, {0x10EFD, 0x10EFF}, {0x10F46, 0x10F50}, {0x10F82, 0x10F85},
    {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x1145E, 0x1145E}, {0x11839, 0x1183A},
    {0x11930, 0x11930}, {0x11935, 0x11935}, {0x11938, 0x11938}, {0x1193D, 0x1193E},
    {0x11943, 0x11943}, {0x119E0, 0x119E0}, {0x11A34, 0x11A34}, {0x11A47, 0x11A47},
    {0x11A99, 0x11A99}, {0x11D42, 0x11D42}, {0x11D44, 0x11D45}, {0x11D97, 0x11D97},
    {0x11F41, 0x11F42}, {0x16FF0, 0x16FF1}, {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136},
    {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF}};

constexpr char32_t kFirstThatCombines = 0x300;

bool is_unknown_to_reference(char32_t c) {
  const auto* range = std::ranges::lower_bound(kUnknownToReference, c, {}, &CodePoints::last);
  return range != std::end(kUnknownToReference) && c >= range->first;
}

void append_nfc(std::string_view text, std::string& out) {
  if (text.empty()) return;
  utf8proc_uint8_t* result = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &result, options);
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(result, std::free);
  if (size == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  if (size < 0) {
    fail(ErrorKind::kInternal, {"text", ""}, utf8proc_errmsg(size), "text that can be normalised");
  }
  out.append(reinterpret_cast<const char*>(result), static_cast<size_t>(size));
}

std::string replace_all(const PieceRegex& pattern, std::string_view with, std::string_view text) {
  std::string out;
  size_t done = 0;
  for (size_t pos = 0; pos < text.size();) {
    const std::optional<TextRange> match = pattern.find(text, pos);
    if (!match) break;
    out.append(text, done, match->begin - done).append(with);
    done = match->end;
    pos = match->end > match->begin ? match->end : match->end + 1;
  }
  return out.append(text.substr(done));
}

const PieceRegex& white_space() {
  static const PieceRegex pattern("\\s", {});
  return pattern;
}

std::string strip(const NormalizerStep& step, std::string_view text) {
  const auto blank = [](std::string_view c) { return white_space().find(c, 0).has_value(); };
  while (step.left && !text.empty()) {
    const size_t length = utf8_sequence_length(text);
    if (!blank(text.substr(0, length))) break;
    text.remove_prefix(length);
  }
  while (step.right && !text.empty()) {
    size_t begin = text.size() - 1;
    while ((static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    if (!blank(text.substr(begin))) break;
    text.remove_suffix(text.size() - begin);
  }
  return std::string(text);
}

// Short grapheme clusters are looked up as a whole, then character by character.
std::string apply_charsmap(const Charsmap& charsmap, std::string_view text) {
  constexpr size_t kLongestWhole = 5;
  static const PieceRegex cluster = PieceRegex::grapheme_cluster();
  std::string out;
  for (size_t pos = 0; pos < text.size();) {
    const std::string_view whole = text.substr(pos, cluster.find(text, pos)->end - pos);
    pos += whole.size();
    const auto found = whole.size() <= kLongestWhole ? charsmap.find_shortest(whole) : std::nullopt;
    if (found) {
      out += *found;
      continue;
    }
    for (size_t at = 0; at < whole.size();) {
      const std::string_view character = whole.substr(at, utf8_sequence_length(whole.substr(at)));
      out += charsmap.find_shortest(character).value_or(character);
      at += character.size();
    }
  }
  return out;
}

std::string apply_step(const NormalizerStep& step, std::string_view text) {
  switch (step.kind) {
    case NormalizerStep::Kind::kNfc:
      return to_nfc(text);
    case NormalizerStep::Kind::kPrepend:
      return text.empty() ? std::string() : step.text + std::string(text);
    case NormalizerStep::Kind::kReplace:
      return replace_all(*step.pattern, step.text, text);
    case NormalizerStep::Kind::kStrip:
      return strip(step, text);
    case NormalizerStep::Kind::kPrecompiled:
      return apply_charsmap(*step.charsmap, text);
  }
  return std::string(text);
}

}  // namespace

std::string to_nfc(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  size_t done = 0;
  bool combines = false;  // a character that could change something stands in text[done, pos)
  const auto flush = [&](size_t end) {
    const std::string_view part = text.substr(done, end - done);
    combines ? append_nfc(part, out) : void(out += part);
    combines = false;
  };
  for (size_t pos = 0; pos < text.size();) {
    if (static_cast<unsigned char>(text[pos]) < 0x80) {
      ++pos;
      continue;
    }
    const size_t begin = pos;
    const char32_t character = next_code_point(text, pos);
    combines |= character >= kFirstThatCombines;
    if (!is_unknown_to_reference(character)) continue;
    flush(begin);
    out += text.substr(begin, pos - begin);
    done = pos;
  }
  flush(text.size());
  return out;
}

std::string TextNormalizer::run(std::string_view text) const {
  std::string out(text);
  for (const NormalizerStep& step : steps_) out = apply_step(step, out);
  return out;
}

}  // namespace telora
