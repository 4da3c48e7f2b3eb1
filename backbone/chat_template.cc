#include "backbone/chat_template.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"

namespace telora {

namespace {

// One family. A message is rendered as role_begin, role, role_end, content, message_end.
struct ChatTemplate {
  ChatFormat format;
  std::string_view name;
  std::vector<std::string_view> digests;  // SHA-256 of the published Jinja texts
  std::string_view role_begin;
  std::string_view role_end;
  std::string_view message_end;
  std::string_view default_system;  // put first when no system message is; empty: none
};

const std::vector<ChatTemplate>& chat_templates() {
  static const std::vector<ChatTemplate> table = {
      {ChatFormat::kSmolLm2,
       "smollm2",
       {"872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788"},
       "<|im_start|>",
       "\n",
       "<|im_end|>\n",
       "You are a helpful AI assistant named SmolLM, trained by Hugging Face"},
  };
  return table;
}

const ChatTemplate& template_of(ChatFormat format) {
  return *std::ranges::find(chat_templates(), format, &ChatTemplate::format);
}

std::string known_names() { return fmt::format("{}", fmt::join(chat_template_names(), ", ")); }

void add_literal(std::string_view text, std::vector<Tokenizer::Segment>& out) {
  if (!out.empty() && out.back().special) {
    out.back().text += text;
  } else {
    out.push_back({std::string(text), true});
  }
}

void add_content(std::string_view text, std::vector<Tokenizer::Segment>& out) {
  if (!text.empty()) out.push_back({std::string(text), false});
}

void open_message(const ChatTemplate& row, std::string_view role,
                  std::vector<Tokenizer::Segment>& out) {
  add_literal(row.role_begin, out);
  add_literal(role, out);
  add_literal(row.role_end, out);
}

void check_messages(std::span<const ChatMessage> messages) {
  if (messages.empty()) fail(ErrorKind::kData, {"chat", "messages"}, "none", "one or more");
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string& role = messages[i].role;
    if (role == "system" || role == "user" || role == "assistant") continue;
    fail(ErrorKind::kData, {"chat", fmt::format("messages[{}].role", i)},
         fmt::format("'{}'", printable(role)), "system, user or assistant");
  }
}

}  // namespace

// Jinja drops one line feed at the end of a template, so files with and without it are the same.
ChatFormat chat_template_by_text(std::string_view jinja, const std::string& file) {
  if (jinja.ends_with('\n')) jinja.remove_suffix(1);
  const std::string digest = sha256(jinja);
  for (const ChatTemplate& row : chat_templates()) {
    if (std::ranges::find(row.digests, digest) != row.digests.end()) return row.format;
  }
  fail(ErrorKind::kConfig, {file, "chat template"},
       fmt::format("an unknown one (SHA-256 {})", digest), "one of the implemented ones",
       fmt::format("name its format: {}", known_names()));
}

ChatFormat chat_template_by_name(std::string_view name) {
  for (const ChatTemplate& row : chat_templates()) {
    if (row.name == name) return row.format;
  }
  const std::string near = nearest(name, chat_template_names());
  fail(ErrorKind::kConfig, {"chat template", ""}, fmt::format("'{}'", printable(name)),
       fmt::format("one of {}", known_names()),
       near.empty() ? "" : fmt::format("did you mean '{}'?", near));
}

ChatFormat chat_template_for(const Tokenizer& tokenizer, std::string_view family) {
  const std::optional<std::string> jinja = tokenizer.chat_template();
  return jinja ? chat_template_by_text(*jinja, tokenizer.name()) : chat_template_by_name(family);
}

std::string_view chat_template_name(ChatFormat format) { return template_of(format).name; }

std::vector<std::string> chat_template_names() {
  std::vector<std::string> names;
  for (const ChatTemplate& row : chat_templates()) names.emplace_back(row.name);
  return names;
}

std::vector<Tokenizer::Segment> render_prompt(ChatFormat format,
                                              std::span<const ChatMessage> messages,
                                              bool add_generation_prompt) {
  check_messages(messages);
  const ChatTemplate& row = template_of(format);
  std::vector<Tokenizer::Segment> out;
  if (messages[0].role != "system" && !row.default_system.empty()) {
    open_message(row, "system", out);
    add_literal(row.default_system, out);
    add_literal(row.message_end, out);
  }
  for (const ChatMessage& message : messages) {
    open_message(row, message.role, out);
    add_content(message.content, out);
    add_literal(row.message_end, out);
  }
  if (add_generation_prompt) open_message(row, "assistant", out);
  return out;
}

std::vector<Tokenizer::Segment> render_answer(ChatFormat format, std::string_view answer) {
  std::vector<Tokenizer::Segment> out;
  add_content(answer, out);
  add_literal(template_of(format).message_end, out);
  return out;
}

std::string joined_text(std::span<const Tokenizer::Segment> segments) {
  std::string text;
  for (const Tokenizer::Segment& segment : segments) text += segment.text;
  return text;
}

}  // namespace telora
