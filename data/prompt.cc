#include "data/prompt.h"

#include <map>
#include <string_view>

namespace telora {

namespace {

// One pass over the template: values are copied as they are.
std::string expand(std::string_view text, const std::map<std::string_view, std::string>& values) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t close = text[at] == '{' ? text.find('}', at) : std::string_view::npos;
    const auto value = close == std::string_view::npos
                           ? values.end()
                           : values.find(text.substr(at, close + 1 - at));
    if (value == values.end()) {
      out += text[at++];
    } else {
      out += value->second;
      at = close + 1;
    }
  }
  return out;
}

std::string user_message(const Category& category, const Example& example) {
  if (category.kind != TaskKind::kLetters) {
    return expand(category.prompt, {{"{question}", example.question}});
  }
  std::string letters;
  std::string choices;
  for (size_t i = 0; i < example.options.size(); ++i) {
    letters += (i > 0 ? "," : "") + option_letter(i);
    choices += (i > 0 ? "\n" : "") + option_letter(i) + ") " + example.options[i];
  }
  return expand(category.prompt,
                {{"{letters}", letters}, {"{question}", example.question}, {"{choices}", choices}});
}

}  // namespace

std::string option_letter(size_t index) { return {static_cast<char>('A' + index)}; }

std::string option_name(const Category& category, const Example& example, size_t option) {
  return category.kind == TaskKind::kLetters ? option_letter(option) : example.options.at(option);
}

std::string gold_text(const Category& category, const Example& example) {
  if (category.kind == TaskKind::kNumber) return example.number;
  return option_name(category, example, example.answer);
}

Prompt make_prompt(const Category& category, const Example& example) {
  const auto completion = [&](const std::string& answer) {
    return expand(category.target, {{"{answer}", answer}});
  };
  Prompt prompt;
  prompt.system = category.system;
  prompt.user = user_message(category, example);
  prompt.target = completion(gold_text(category, example));
  for (size_t i = 0; i < example.options.size(); ++i) {
    prompt.candidates.push_back(completion(option_name(category, example, i)));
  }
  return prompt;
}

}  // namespace telora
