#include "backbone/vocabulary.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"

namespace telora {

namespace {

constexpr size_t kMaxTokens = 4 << 20;
constexpr size_t kMaxTextBytes = 256 << 20;
constexpr size_t kMaxTokenBytes = 64 << 10;

size_t checked_total(const std::vector<std::string>& tokens, const std::string& file,
                     const std::string& field) {
  if (tokens.empty() || tokens.size() > kMaxTokens) {
    fail(ErrorKind::kData, {file, field}, fmt::format("{} tokens", tokens.size()),
         fmt::format("1 to {}", kMaxTokens));
  }
  size_t total = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::string& token = tokens[i];
    if (token.empty() || token.size() > kMaxTokenBytes ||
        find_invalid_utf8(token) != std::string::npos) {
      fail(ErrorKind::kData, {file, fmt::format("{}[{}]", field, i)},
           fmt::format("'{}' ({} bytes)", printable(token), token.size()),
           fmt::format("1 to {} bytes of UTF-8", kMaxTokenBytes));
    }
    total += token.size();
  }
  return total;
}

}  // namespace

Vocabulary::Vocabulary(const std::vector<std::string>& tokens, const std::string& file,
                       const std::string& field) {
  const size_t total = checked_total(tokens, file, field);
  if (total > kMaxTextBytes) {
    fail(ErrorKind::kData, {file, field}, fmt::format("{} bytes of tokens", total),
         fmt::format("at most {}", kMaxTextBytes));
  }
  text_.reserve(total);
  ends_.reserve(tokens.size());
  for (const std::string& token : tokens) {
    text_ += token;
    ends_.push_back(static_cast<uint32_t>(text_.size()));
  }
  by_text_.reserve(tokens.size());
  for (int32_t id = 0; id < size(); ++id) {
    const auto [earlier, added] = by_text_.try_emplace(text(id), id);
    if (added) continue;
    fail(ErrorKind::kData, {file, fmt::format("{}[{}]", field, id)},
         fmt::format("'{}', which is token {} too", printable(text(id)), earlier->second),
         "every token once");
  }
}

std::string_view Vocabulary::text(int32_t id) const {
  const size_t begin = id == 0 ? 0 : ends_[id - 1];
  return std::string_view(text_).substr(begin, ends_[id] - begin);
}

std::optional<int32_t> Vocabulary::find(std::string_view text) const {
  const auto found = by_text_.find(text);
  if (found == by_text_.end()) return std::nullopt;
  return found->second;
}

}  // namespace telora
