#include "tools/inspect_generate.h"

#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

namespace telora {

namespace {

void print_json(const GeneratedAnswer& answer, bool with_text) {
  nlohmann::ordered_json object{{"prompt_tokens", answer.prompt.size()}, {"ids", answer.ids}};
  if (with_text) object["text"] = answer.text;
  object["stopped"] = answer.stopped;
  fmt::print("{}\n", object.dump());
}

void print_text(const GeneratedAnswer& answer, bool with_text) {
  if (!with_text) return fmt::print("{}\n", fmt::join(answer.ids, " "));
  fmt::print("{}{}\n", answer.text, answer.stopped ? "" : " [cut at --max-new-tokens]");
}

}  // namespace

void inspect_generate(const GenerateRequest& request, bool json) {
  const bool with_text = !request.questions.empty();
  for (const GeneratedAnswer& answer : generate_answers(request)) {
    json ? print_json(answer, with_text) : print_text(answer, with_text);
  }
}

}  // namespace telora
