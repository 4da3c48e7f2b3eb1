#include "backbone/chat_template.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"

namespace telora {

namespace {

// Which turns of the assistant begin with `answer_begin`.
enum class AnswerBegin { kEveryTurn, kLastTurn };

// One family. A message is rendered as role_begin, role, role_end, content, message_end.
struct ChatTemplate {
  ChatFormat format;
  std::string_view name;
  std::string_view digest = {};  // SHA-256 of the published Jinja text; empty: not known
  std::string_view role_begin;
  std::string_view role_end;
  std::string_view message_end;
  std::string_view default_system = {};  // put first when no system message is; empty: none
  std::string_view preface = {};         // before everything
  std::string_view system_intro = {};    // before the system text; then there always is one
  std::string_view answer_begin = {};    // between the assistant's role and its answer
  AnswerBegin begins = AnswerBegin::kEveryTurn;
  bool trimmed = false;  // contents lose the white space around them
};

constexpr std::string_view kNoThoughts = "<think>\n\n</think>\n\n";

constexpr ChatTemplate kTemplates[] = {
    {.format = ChatFormat::kSmolLm2,
     .name = "smollm2",
     .digest = "872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788",
     .role_begin = "<|im_start|>",
     .role_end = "\n",
     .message_end = "<|im_end|>\n",
     .default_system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"},
    // The date is the one that the template falls back to: a prompt must not change overnight.
    {.format = ChatFormat::kLlama3,
     .name = "llama3",
     .role_begin = "<|start_header_id|>",
     .role_end = "<|end_header_id|>\n\n",
     .message_end = "<|eot_id|>",
     .preface = "<|begin_of_text|>",
     .system_intro = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n",
     .trimmed = true},
    {.format = ChatFormat::kQwen25,
     .name = "qwen2.5",
     .role_begin = "<|im_start|>",
     .role_end = "\n",
     .message_end = "<|im_end|>\n",
     .default_system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."},
    {.format = ChatFormat::kQwen3,
     .name = "qwen3",
     .role_begin = "<|im_start|>",
     .role_end = "\n",
     .message_end = "<|im_end|>\n",
     .answer_begin = kNoThoughts,
     .begins = AnswerBegin::kLastTurn},
    {.format = ChatFormat::kExaone4,
     .name = "exaone4",
     .role_begin = "[|",
     .role_end = "|]\n",
     .message_end = "[|endofturn|]\n",
     .answer_begin = kNoThoughts},
    {.format = ChatFormat::kGranite,
     .name = "granite",
     .role_begin = "<|start_of_role|>",
     .role_end = "<|end_of_role|>",
     .message_end = "<|end_of_text|>\n"},
    {.format = ChatFormat::kGranite4,
     .name = "granite4",
     .role_begin = "<|start_of_role|>",
     .role_end = "<|end_of_role|>",
     .message_end = "<|end_of_text|>\n",
     .default_system = "You are a helpful assistant. Please ensure responses are professional, "
                       "accurate, and safe."},
    {.format = ChatFormat::kZephyr,
     .name = "zephyr",
     .role_begin = "<|",
     .role_end = "|>\n",
     .message_end = "</s>\n"},
};

const ChatTemplate& template_of(ChatFormat format) {
  return *std::ranges::find(kTemplates, format, &ChatTemplate::format);
}

std::string known_names() { return fmt::format("{}", fmt::join(chat_template_names(), ", ")); }

void add_literal(std::string_view text, std::vector<Tokenizer::Segment>& out) {
  if (text.empty()) return;
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

void add_default_system(const ChatTemplate& row, std::vector<Tokenizer::Segment>& out) {
  if (row.default_system.empty() && row.system_intro.empty()) return;
  open_message(row, "system", out);
  add_literal(row.system_intro, out);
  add_literal(row.default_system, out);
  add_literal(row.message_end, out);
}

// Whether message i is a turn of the assistant that begins with `answer_begin`.
bool begins_answer(const ChatTemplate& row, std::span<const ChatMessage> messages, size_t i) {
  if (messages[i].role != "assistant") return false;
  if (row.begins == AnswerBegin::kEveryTurn) return true;
  const auto later = messages.subspan(i + 1);
  return std::ranges::none_of(later, [](const ChatMessage& m) { return m.role == "user"; });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r\f\v";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

// Jinja drops one line feed at the end of a template, so files with and without it are the same.
ChatFormat chat_template_by_text(std::string_view jinja, const std::string& file) {
  if (jinja.ends_with('\n')) jinja.remove_suffix(1);
  const std::string digest = sha256(jinja);
  for (const ChatTemplate& row : kTemplates) {
    if (row.digest == digest) return row.format;
  }
  fail(ErrorKind::kConfig, {file, "chat template"},
       fmt::format("an unknown one (SHA-256 {})", digest), "one of the implemented ones",
       fmt::format("name it (recipe key chat_template): {}", known_names()));
}

ChatFormat chat_template_by_name(std::string_view name) {
  for (const ChatTemplate& row : kTemplates) {
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
  for (const ChatTemplate& row : kTemplates) names.emplace_back(row.name);
  return names;
}

std::vector<Tokenizer::Segment> render_prompt(ChatFormat format,
                                              std::span<const ChatMessage> messages,
                                              bool add_generation_prompt) {
  check_messages(messages);
  const ChatTemplate& row = template_of(format);
  std::vector<Tokenizer::Segment> out;
  if (!row.preface.empty()) add_literal(row.preface, out);
  if (messages[0].role != "system") add_default_system(row, out);
  for (size_t i = 0; i < messages.size(); ++i) {
    open_message(row, messages[i].role, out);
    if (i == 0 && messages[i].role == "system") add_literal(row.system_intro, out);
    if (begins_answer(row, messages, i)) add_literal(row.answer_begin, out);
    const std::string_view content = messages[i].content;
    add_content(row.trimmed ? trimmed(content) : content, out);
    add_literal(row.message_end, out);
  }
  if (add_generation_prompt) {
    open_message(row, "assistant", out);
    add_literal(row.answer_begin, out);
  }
  return out;
}

std::vector<Tokenizer::Segment> render_answer(ChatFormat format, std::string_view answer) {
  std::vector<Tokenizer::Segment> out;
  const ChatTemplate& row = template_of(format);
  add_content(row.trimmed ? trimmed(answer) : answer, out);
  add_literal(row.message_end, out);
  return out;
}

std::string joined_text(std::span<const Tokenizer::Segment> segments) {
  std::string text;
  for (const Tokenizer::Segment& segment : segments) text += segment.text;
  return text;
}

}  // namespace telora
