#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backbone/regex.h"
#include "backbone/text_normalizer.h"

namespace telora {

// A token that is found in the text as a whole, before any other splitting (the fields of
// `added_tokens` in tokenizer.json).
struct AddedToken {
  int32_t id;
  std::string content;
  bool special = false;      // left out of decoded text
  bool single_word = false;  // only where no word character stands beside it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // takes the white space after it along
  bool normalized = false;   // looked for only after all tokens without this flag

  // Whether text that a user wrote must never become this token: special ones, and those spelled
  // `<|...|>` that a tokenizer forgot to mark (GGUF files mark them).
  bool is_control() const;
};

// A stretch of text: an added token, or text that is still to be split.
struct TextPart {
  TextRange range;
  int32_t id = -1;  // -1: text
};

// Finds added tokens: leftmost, then longest, never overlapping.
class AddedTokens {
 public:
  // `normalizer` is applied to the contents of tokens that are looked for in normalised text.
  AddedTokens(std::vector<AddedToken> tokens, const TextNormalizer& normalizer);

  // The whole of `text` (valid UTF-8) as parts. Control tokens are not looked for where they would
  // touch a range of `plain` (ascending, not overlapping).
  std::vector<TextPart> split(std::string_view text, std::span<const TextRange> plain) const;
  // The two passes of it: tokens looked for in the text as it is, and in normalised text.
  std::vector<TextPart> split_raw(std::string_view text, std::span<const TextRange> plain) const;
  std::vector<TextPart> split_normalized(std::string_view text,
                                         std::span<const TextRange> plain) const;

  const AddedToken* find(int32_t id) const;  // nullptr if `id` is no added token
  const std::vector<AddedToken>& all() const { return tokens_; }

 private:
  // A byte trie of the tokens of one pass.
  struct Trie {
    std::unordered_map<uint64_t, int32_t> edges;  // node and byte -> node
    std::vector<int32_t> token;                   // by node: index into tokens_, or -1
    std::array<bool, 256> first{};                // bytes that a token starts with
    void insert(std::string_view content, int32_t index);
  };

  // The longest token at `begin`, and where its text ends.
  std::pair<const AddedToken*, size_t> longest_at(const Trie& trie, std::string_view text,
                                                  size_t begin,
                                                  std::span<const TextRange> plain) const;
  void split_part(const Trie& trie, std::string_view text, TextRange part,
                  std::span<const TextRange> plain, std::vector<TextPart>& out) const;
  bool stands_alone(std::string_view text, size_t begin, TextRange match) const;
  TextRange with_spaces(const AddedToken& token, std::string_view text, TextRange match,
                        TextRange room) const;

  std::vector<AddedToken> tokens_;
  std::unordered_map<int32_t, size_t> by_id_;
  Trie raw_;         // normalized = false
  Trie normalized_;  // normalized = true
  PieceRegex word_, space_;
};

}  // namespace telora
