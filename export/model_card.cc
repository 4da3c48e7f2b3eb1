#include "export/model_card.h"

#include <fmt/format.h>

namespace telora {

namespace {

constexpr std::string_view kFence = "---\n";

// The lines between the fences at a card's beginning, and what follows them.
struct Parts {
  std::string head;
  std::string body;
};

Parts parts_of(const std::string& card) {
  if (!card.starts_with(kFence)) return {"", card};
  const size_t end = card.find("\n---\n", kFence.size() - 1);
  if (end == std::string::npos) return {"", card};
  return {card.substr(kFence.size(), end + 1 - kFence.size()), card.substr(end + 5)};
}

std::string unquoted(std::string text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  text = text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
  const bool quoted = text.size() > 1 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

std::string without_field(const std::string& head, const std::string& key) {
  const size_t begin = ("\n" + head).find("\n" + key + ":");
  if (begin == std::string::npos) return head;
  const size_t end = head.find('\n', begin);
  return head.substr(0, begin) + (end == std::string::npos ? "" : head.substr(end + 1));
}

std::string new_card(const CardFacts& facts) {
  return fmt::format(
      "---\nlibrary_name: peft\nbase_model: {}\ntags: [lora]\n---\n\n# LoRA adapter for {}\n",
      facts.base, facts.base);
}

std::string license_section(const CardFacts& facts) {
  const auto or_none = [](const std::string& name) { return name.empty() ? "not stated" : name; };
  return fmt::format("\n## Licence\n\n- of what this folder holds: {}\n- of the base model: {}\n",
                     or_none(facts.license), or_none(facts.base_license));
}

std::string digest_section(const Provenance& provenance) {
  std::string text = "\n## Origin\n\n";
  for (const auto& [key, value] : provenance) text += fmt::format("- {}: `{}`\n", key, value);
  return text;
}

}  // namespace

std::string card_field(const std::string& card, const std::string& key) {
  const std::string head = "\n" + parts_of(card).head;
  const size_t at = head.find("\n" + key + ":");
  if (at == std::string::npos) return "";
  const size_t begin = at + key.size() + 2;
  const size_t end = head.find('\n', begin);
  std::string value = unquoted(head.substr(begin, end - begin));
  if (value.empty() && head.compare(end, 3, "\n- ") == 0) {
    return unquoted(head.substr(end + 3, head.find('\n', end + 1) - end - 3));
  }
  return value;
}

std::string exported_card(const std::string& run_card, const CardFacts& facts) {
  const std::string card = run_card.empty() ? new_card(facts) : run_card;
  auto [head, body] = parts_of(card);
  if (!facts.license.empty()) {
    head = fmt::format("license: {}\n", facts.license) + without_field(head, "license");
  }
  if (facts.merged) {
    head = "library_name: transformers\n" + without_field(head, "library_name");
    body = "\nThe base model with the adapter below written into its weights.\n" + body;
  }
  return fmt::format("---\n{}---\n{}{}{}", head, body, license_section(facts),
                     digest_section(facts.provenance));
}

}  // namespace telora
