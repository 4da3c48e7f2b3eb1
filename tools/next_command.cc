#include "tools/next_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "eval/score_adapters.h"

namespace telora {

std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

std::string sibling_program(const std::string& invoked_as, const std::string& name) {
  const size_t slash = invoked_as.rfind('/');
  return shell_word(slash == std::string::npos ? name : invoked_as.substr(0, slash + 1) + name);
}

std::string scoring_arguments(const Recipe& recipe, const std::filesystem::path& folder) {
  const ScoreRequest defaults;
  std::string arguments =
      fmt::format("--category {} --adapter {}", recipe.category, shell_word(folder.string()));
  const auto add = [&](std::string_view flag, const std::string& value, const std::string& usual) {
    if (value != usual) arguments += fmt::format(" {} {}", flag, shell_word(value));
  };
  add("--data", recipe.data, defaults.data);
  add("--split-method", recipe.split_method, defaults.split_method);
  add("--split-seed", std::to_string(recipe.split_seed), std::to_string(defaults.split_seed));
  add("--backbone", recipe.backbone, defaults.backbone);
  add("--chat-template", recipe.chat_template, defaults.chat_template);
  add("--precision", recipe.precision, defaults.precision);
  add("--device", recipe.device, defaults.device);
  return arguments;
}

}  // namespace telora
