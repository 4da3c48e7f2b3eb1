#include "backbone/bpe_chars.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"

namespace telora {

CharacterBpe::CharacterBpe(const Vocabulary& vocabulary, std::span<const Merge> merges,
                           BpeOptions options, bool byte_fallback, const std::string& file,
                           const std::string& field)
    : vocabulary_(vocabulary), merges_(merges, file, field), options_(options) {
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view text = vocabulary.text(id);
    size_t pos = 0;
    const char32_t first = next_code_point(text, pos);
    if (pos == text.size()) characters_.emplace(first, id);
  }
  bytes_.fill(-1);
  for (size_t byte = 0; byte_fallback && byte < bytes_.size(); ++byte) {
    bytes_[byte] = vocabulary.find(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  }
}

// The symbols that merging starts from. A run of unknown characters waits until the next character
// that has a token, past any bytes (this is how the tokenizers library does it).
class CharacterBpe::Symbols {
 public:
  Symbols(const CharacterBpe& model, std::vector<int32_t>& ids) : model_(model), ids_(ids) {}

  void add(char32_t character, std::string_view spelled) {
    const auto found = model_.characters_.find(character);
    if (found != model_.characters_.end()) {
      flush();
      ids_.push_back(found->second);
    } else if (!add_bytes(spelled) && model_.options_.unknown >= 0) {
      if (!model_.options_.fuse_unknown) flush();
      waiting_ = true;
    }
  }

  void flush() {
    if (waiting_) ids_.push_back(model_.options_.unknown);
    waiting_ = false;
  }

 private:
  bool add_bytes(std::string_view spelled) {
    const size_t before = ids_.size();
    for (const char byte : spelled) {
      const int32_t id = model_.bytes_[static_cast<unsigned char>(byte)];
      if (id < 0) {
        ids_.resize(before);
        return false;
      }
      ids_.push_back(id);
    }
    return true;
  }

  const CharacterBpe& model_;
  std::vector<int32_t>& ids_;
  bool waiting_ = false;
};

void CharacterBpe::encode(std::string_view piece, bool, std::vector<int32_t>& ids) const {
  if (options_.ignore_merges) {
    if (const auto whole = vocabulary_.find(piece)) {
      ids.push_back(*whole);
      return;
    }
  }
  const size_t begin = ids.size();
  Symbols symbols(*this, ids);
  for (size_t pos = 0; pos < piece.size();) {
    const size_t from = pos;
    const char32_t character = next_code_point(piece, pos);
    symbols.add(character, piece.substr(from, pos - from));
  }
  symbols.flush();
  ids.resize(begin + merges_.merge(std::span(ids).subspan(begin)));
}

}  // namespace telora
