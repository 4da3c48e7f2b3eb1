#include "backbone/chat_template.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "backbone/chat_template_table.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"

namespace telora {

namespace {

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

// Where the system text is part of the first question, the other turns must alternate.
void check_alternation(std::span<const ChatMessage> messages) {
  const size_t first = messages[0].role == "system" ? 1 : 0;
  for (size_t i = first; i < messages.size(); ++i) {
    const std::string_view wanted = (i - first) % 2 == 0 ? "user" : "assistant";
    if (messages[i].role == wanted) continue;
    fail(ErrorKind::kData, {"chat", fmt::format("messages[{}].role", i)},
         fmt::format("'{}'", messages[i].role), fmt::format("'{}'", wanted),
         "turns of user and assistant alternate in this chat template");
  }
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

void check_token(const ChatTemplate& row, std::string_view what, std::string_view wanted,
                 std::optional<int32_t> id, const Tokenizer& tokenizer) {
  if (wanted.empty() || (id && tokenizer.token(*id) == wanted)) return;
  fail(ErrorKind::kConfig, {tokenizer.name(), std::string(what)},
       id ? fmt::format("'{}'", printable(tokenizer.token(*id))) : "none",
       fmt::format("'{}', which chat template {} writes there", wanted, row.name),
       "name another template (recipe key chat_template)");
}

// The published text takes these from the tokenizer; here they are written out.
void check_tokens(const ChatTemplate& row, const Tokenizer& tokenizer) {
  check_token(row, "bos_token", row.bos, tokenizer.bos_id(), tokenizer);
  check_token(row, "eos_token", row.eos, tokenizer.eos_id(), tokenizer);
}

std::string_view end_of(const ChatTemplate& row, const ChatMessage& message) {
  const bool question = message.role != "assistant" && !row.question_end.empty();
  return question ? row.question_end : row.message_end;
}

std::string_view role_of(const ChatTemplate& row, const ChatMessage& message) {
  return message.role == "assistant" ? row.assistant : std::string_view(message.role);
}

std::string_view content_of(const ChatTemplate& row, const ChatMessage& message) {
  return row.trimmed ? trimmed(message.content) : std::string_view(message.content);
}

void add_message(const ChatTemplate& row, std::span<const ChatMessage> messages, size_t i,
                 std::vector<Tokenizer::Segment>& out) {
  const ChatMessage& message = messages[i];
  open_message(row, role_of(row, message), out);
  if (i == 0 && message.role == "system") add_literal(row.system_intro, out);
  if (i == 1 && messages[0].role == "system" && row.system == SystemPlace::kFirstUserTurn) {
    add_content(messages[0].content, out);
    add_literal("\n\n", out);
  }
  if (begins_answer(row, messages, i)) add_literal(row.answer_begin, out);
  add_content(content_of(row, message), out);
  add_literal(end_of(row, message), out);
  const bool last = i + 1 == messages.size();
  if (message.role == "assistant" && !last) add_literal(row.answer_separator, out);
}

}  // namespace

// Jinja drops one line feed at the end of a template, so files with and without it are the same.
ChatFormat chat_template_by_text(std::string_view jinja, const std::string& file) {
  if (jinja.ends_with('\n')) jinja.remove_suffix(1);
  const std::string digest = sha256(jinja);
  if (const auto format = chat_format_of_digest(digest)) return *format;
  fail(ErrorKind::kConfig, {file, "chat template"},
       fmt::format("an unknown one (SHA-256 {})", digest), "one of the implemented ones",
       fmt::format("name it (recipe key chat_template): {}", known_names()));
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
  if (!jinja && family.empty()) {
    fail(ErrorKind::kConfig, {tokenizer.name(), "chat template"}, "none",
         "one, or a family that has only one",
         fmt::format("name it (recipe key chat_template): {}", known_names()));
  }
  const ChatFormat format =
      jinja ? chat_template_by_text(*jinja, tokenizer.name()) : chat_template_by_name(family);
  check_tokens(chat_template_row(format), tokenizer);
  return format;
}

std::optional<std::string> template_digest(const Tokenizer& tokenizer) {
  const auto text = tokenizer.chat_template();
  if (!text) return std::nullopt;
  return sha256(*text);
}

std::string_view family_chat_format(std::string_view architecture) {
  static constexpr std::pair<std::string_view, std::string_view> kFamilies[] = {
      {"qwen2", "qwen2.5"},
      {"qwen3", "qwen3"},
      {"exaone4", "exaone4"},
      {"granite", "granite"},
      {"granitemoehybrid", "granite4"},
      {"olmo2", "olmo2"},
      {"gemma3", "gemma3"}};
  const auto found =
      std::ranges::find(kFamilies, architecture, [](auto& row) { return row.first; });
  return found == std::end(kFamilies) ? std::string_view() : found->second;
}

std::string_view chat_template_name(ChatFormat format) { return chat_template_row(format).name; }

std::vector<std::string> chat_template_names() {
  std::vector<std::string> names;
  for (const ChatTemplate& row : chat_templates()) names.emplace_back(row.name);
  return names;
}

std::vector<Tokenizer::Segment> render_prompt(ChatFormat format,
                                              std::span<const ChatMessage> messages,
                                              bool add_generation_prompt) {
  check_messages(messages);
  const ChatTemplate& row = chat_template_row(format);
  const bool merged = row.system == SystemPlace::kFirstUserTurn;
  if (merged) check_alternation(messages);
  const bool system = messages[0].role == "system";
  std::vector<Tokenizer::Segment> out;
  add_literal(row.preface, out);
  if (!system) add_default_system(row, out);
  for (size_t i = merged && system ? 1 : 0; i < messages.size(); ++i) {
    add_message(row, messages, i, out);
  }
  if (add_generation_prompt) {
    open_message(row, row.assistant, out);
    add_literal(row.answer_begin, out);
  }
  return out;
}

std::vector<Tokenizer::Segment> render_answer(ChatFormat format, std::string_view answer) {
  std::vector<Tokenizer::Segment> out;
  const ChatTemplate& row = chat_template_row(format);
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
