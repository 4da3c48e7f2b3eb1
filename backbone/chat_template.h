#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backbone/tokenizer.h"

namespace telora {

// The families whose chat templates are implemented; each is one row of the table in the source.
enum class ChatFormat {
  kSmolLm2,
  kLlama3,
  kQwen25,
  kQwen3,
  kExaone4,
  kGranite,
  kGranite33,
  kGranite4,
  kOlmo2,
  kGemma3,
  kZephyr
};

struct ChatMessage {
  std::string role;  // system, user or assistant
  std::string content;
};

// The format whose published Jinja template is `jinja`, by SHA-256. Throws Error(config) naming
// `file` and the digest for any other text, with the advice to name a format.
ChatFormat chat_template_by_text(std::string_view jinja, const std::string& file);
// Throws Error(config) for an unknown name, with the known ones.
ChatFormat chat_template_by_name(std::string_view name);
// By the tokenizer's own template; by `family` (a format name) only when it has none. Models that
// can think are prompted not to, with an empty think block. Throws Error(config) if neither is
// known, or if the tokenizer's bos or eos token is not the one that the template's text stands for.
ChatFormat chat_template_for(const Tokenizer& tokenizer, std::string_view family);

// SHA-256 of the text of the tokenizer's own template; nothing where it has none.
std::optional<std::string> template_digest(const Tokenizer& tokenizer);

// The format of the models of an architecture (`DecoderSpec::architecture`) that come without a
// template; empty where there is no one format (llama).
std::string_view family_chat_format(std::string_view architecture);

std::string_view chat_template_name(ChatFormat format);
std::vector<std::string> chat_template_names();

// Messages as the family's Jinja template renders them, byte for byte. Contents are segments that
// are not special. Throws Error(data) without messages and for other roles.
std::vector<Tokenizer::Segment> render_prompt(ChatFormat format,
                                              std::span<const ChatMessage> messages,
                                              bool add_generation_prompt = true);

// What the model has to produce after the generation prompt for the answer `answer`.
std::vector<Tokenizer::Segment> render_answer(ChatFormat format, std::string_view answer);

// The segments' text joined.
std::string joined_text(std::span<const Tokenizer::Segment> segments);

}  // namespace telora
