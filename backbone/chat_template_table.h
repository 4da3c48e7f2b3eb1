#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "backbone/chat_template.h"

namespace telora {

// Which turns of the assistant begin with `answer_begin`.
enum class AnswerBegin { kEveryTurn, kLastTurn };
// Where a system text goes: into a turn of its own, or in front of the first user text.
enum class SystemPlace { kOwnTurn, kFirstUserTurn };

// One format. A message is rendered as role_begin, role, role_end, content, and its end.
struct ChatTemplate {
  ChatFormat format;
  std::string_view name;
  std::string_view role_begin;
  std::string_view role_end;
  std::string_view message_end;              // ends a turn
  std::string_view question_end = {};        // ends a turn that is no answer; empty: message_end
  std::string_view answer_separator = {};    // between an answer and what follows it
  std::string_view assistant = "assistant";  // the role's name
  std::string_view default_system = {};      // put first when no system message is; empty: none
  std::string_view preface = {};             // before everything
  std::string_view system_intro = {};        // before the system text; then there always is one
  std::string_view answer_begin = {};        // between the assistant's role and its answer
  AnswerBegin begins = AnswerBegin::kEveryTurn;
  SystemPlace system = SystemPlace::kOwnTurn;
  bool trimmed = false;  // questions and answers lose white space around them
  // Tokens that the published text takes from the tokenizer; another tokenizer's would render
  // something else. Empty: written out in the text.
  std::string_view bos = {};
  std::string_view eos = {};
};

std::span<const ChatTemplate> chat_templates();
const ChatTemplate& chat_template_row(ChatFormat format);
// By SHA-256 of a published Jinja text without the line feed at its end.
std::optional<ChatFormat> chat_format_of_digest(std::string_view digest);

}  // namespace telora
