#include "tools/command_line.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "train/version.h"

namespace telora {

namespace {

void collect_flags(const CLI::App& app, std::vector<std::string>& flags) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->parsed()) collect_flags(*command, flags);
  }
}

// The first word of the message that looks like a flag, with the known flag it may stand for.
std::string advice_for(const CLI::App& app, const std::string& message) {
  const size_t begin = message.find("--");
  if (begin == std::string::npos) return "see --help";
  const std::string word = message.substr(begin, message.find_first_of(" =,:", begin) - begin);
  std::vector<std::string> flags;
  collect_flags(app, flags);
  const std::string close = nearest(word, flags);
  return close.empty() || close == word ? "see --help" : fmt::format("did you mean {}?", close);
}

}  // namespace

void set_up_command(CLI::App& app, const std::string& example) {
  app.set_version_flag("--version", fmt::format("{} (telora {})", app.get_name(), kVersion));
  app.footer("Example:\n  " + example);
  app.get_formatter()->column_width(30);
}

std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorKind::kUsage, fmt::format("{}: {}; {}", app.get_name(), error.what(),
                                               advice_for(app, error.what())));
  }
}

}  // namespace telora
