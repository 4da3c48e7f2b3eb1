#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace telora {

// Token spellings by id, kept in one block of memory.
class Vocabulary {
 public:
  // Throws Error(data) naming `file` and `field`[i] for an empty, repeated or non-UTF-8 spelling.
  Vocabulary(const std::vector<std::string>& tokens, const std::string& file,
             const std::string& field);
  Vocabulary(const Vocabulary&) = delete;  // by_text_ looks into text_
  Vocabulary& operator=(const Vocabulary&) = delete;

  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  std::string_view text(int32_t id) const;  // 0 <= id < size()
  std::optional<int32_t> find(std::string_view text) const;

 private:
  std::string text_;
  std::vector<uint32_t> ends_;
  std::unordered_map<std::string_view, int32_t> by_text_;
};

}  // namespace telora
