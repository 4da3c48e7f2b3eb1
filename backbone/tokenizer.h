#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backbone/decode_stream.h"

namespace telora {

class GgufFile;
struct TokenizerParts;

// Text to token ids and back: added tokens -> normaliser -> pre-tokenizer -> model (byte-level BPE,
// BPE over characters, unigram, or a SentencePiece model). Copies share one state that never
// changes; all const methods may be called from several threads.
class Tokenizer {
 public:
  // From the tokenizer.ggml.* metadata of the kinds gpt2 and llama. Throws Error(data) naming file
  // and key for contradictions and for other kinds and pre-tokenizers.
  static Tokenizer from_gguf(const GgufFile& file);
  // From tokenizer.json and, where present, tokenizer_config.json, generation_config.json and
  // chat_template.jinja of a Hugging Face folder; tokenizer.model is read only where there is no
  // tokenizer.json. Throws Error(data), Error(missing) without both. What would change ids and is
  // not implemented is refused by name.
  static Tokenizer from_folder(const std::filesystem::path& folder);
  // From a SentencePiece model file and the configuration files beside it.
  static Tokenizer from_sentencepiece(const std::filesystem::path& file);
  // Throws Error(data) for contradictions among the parts.
  explicit Tokenizer(TokenizerParts parts);

  // Ids of `text`; added tokens in it are recognised. Nothing is put before or after it.
  // Throws Error(data) for invalid UTF-8 (with its byte offset).
  std::vector<int32_t> encode(std::string_view text) const;

  // The ids of each text, on all threads; as encode().
  std::vector<std::vector<int32_t>> encode_batch(std::span<const std::string> texts) const;

  // `special` text comes from a template; other text is content in which control tokens stay text.
  struct Segment {
    std::string text;
    bool special;
    bool operator==(const Segment&) const = default;
  };
  // Ids of the joined text, as if given as one string, except that no control token is recognised
  // where it would take in a byte of a segment that is not special.
  std::vector<int32_t> encode(const std::vector<Segment>& segments) const;

  // The text of `ids`; invalid UTF-8 becomes U+FFFD. Throws Error(data) for an id out of range.
  std::string decode(std::span<const int32_t> ids, bool skip_special = true) const;
  // The bytes that one id stands for: a part of a character is possible.
  std::string bytes_of(int32_t id) const;

  int64_t size() const;  // ids are 0 ... size() - 1
  // Spelled as in the vocabulary: `Ġthe` or `▁the` for " the".
  std::optional<int32_t> id_of(std::string_view token) const;
  std::string token(int32_t id) const;
  bool is_special(int32_t id) const;

  std::optional<int32_t> bos_id() const;
  std::optional<int32_t> eos_id() const;
  std::optional<int32_t> pad_id() const;
  bool add_bos() const;  // whether the tokenizer's own rule puts bos_id() before a text
  bool add_eos() const;
  // Every id that ends an answer, ascending: end of sequence, of turn, of message.
  std::vector<int32_t> end_of_turn_ids() const;

  std::optional<std::string> chat_template() const;  // Jinja text
  // SHA-256 of all that decides ids: vocabulary, merges, added tokens, pre-tokenizer. The same for
  // the GGUF and the Hugging Face form of one tokenizer.
  std::string digest() const;
  const std::string& name() const;  // the file it was read from

 private:
  friend class TokenStream;
  struct State;
  std::shared_ptr<const State> state_;
};

// Decodes ids one at a time, holding back incomplete characters.
class TokenStream {
 public:
  explicit TokenStream(Tokenizer tokenizer, bool skip_special = true)
      : tokenizer_(std::move(tokenizer)), skip_special_(skip_special) {}
  std::string push(int32_t id);  // the text that is now complete, possibly empty
  std::string finish();          // what was held back; the stream starts anew

 private:
  Tokenizer tokenizer_;
  Utf8Stream stream_;
  bool skip_special_;
  bool at_start_ = true;  // nothing was decoded yet
};

}  // namespace telora
