#include "backbone/regex_dialect.h"

#include <fmt/format.h>

#include <array>
#include <cctype>

namespace telora {

namespace {

constexpr std::array<std::string_view, 7> kGroups = {"?:", "?i:", "?=", "?!", "?<=", "?<!", "?>"};

// Letters and numbers of Unicode 15, 15.1 and 16: PCRE2 10.42 knows version 14, the tokenizers
// library 16. Adding them is harmless where PCRE2 is newer.
constexpr std::string_view kNewLetters =
    R"(\x{1C89}-\x{1C8A}\x{A7CB}-\x{A7CD}\x{A7DA}-\x{A7DC}\x{105C0}-\x{105F3})"
    R"(\x{10D4A}-\x{10D65}\x{10D6F}-\x{10D85}\x{10EC2}-\x{10EC4}\x{1123F}-\x{11240})"
    R"(\x{11380}-\x{11389}\x{1138B}\x{1138E}\x{11390}-\x{113B5}\x{113B7}\x{113D1}\x{113D3})"
    R"(\x{11BC0}-\x{11BE0}\x{11F02}\x{11F04}-\x{11F10}\x{11F12}-\x{11F33}\x{1342F})"
    R"(\x{13441}-\x{13446}\x{13460}-\x{143FA}\x{16100}-\x{1611D}\x{16D40}-\x{16D6C})"
    R"(\x{18CFF}\x{1B132}\x{1B155}\x{1DF25}-\x{1DF2A}\x{1E030}-\x{1E06D}\x{1E4D0}-\x{1E4EB})"
    R"(\x{1E5D0}-\x{1E5ED}\x{1E5F0}\x{2B739}\x{2EBF0}-\x{2EE5D}\x{31350}-\x{323AF})";
constexpr std::string_view kNewNumbers =
    R"(\x{10D40}-\x{10D49}\x{116D0}-\x{116E3}\x{11BF0}-\x{11BF9}\x{11F50}-\x{11F59})"
    R"(\x{16130}-\x{16139}\x{16D70}-\x{16D79}\x{1CCF0}-\x{1CCF9}\x{1D2C0}-\x{1D2D3})"
    R"(\x{1E4F0}-\x{1E4F9}\x{1E5F1}-\x{1E5FA})";

std::string_view additions(std::string_view property) {
  if (property == "L") return kNewLetters;
  return property == "N" ? kNewNumbers : std::string_view();
}

class Translator {
 public:
  Translator(std::string_view pattern, const Where& where) : in_(pattern), where_(where) {}

  std::string run() {
    while (pos_ < in_.size()) step();
    if (in_class_) refuse("a character class without its end");
    return std::move(out_);
  }

 private:
  bool starts(std::string_view text) const { return in_.substr(pos_).starts_with(text); }

  void copy(size_t count) {
    out_ += in_.substr(pos_, count);
    pos_ += count;
  }

  [[noreturn]] void refuse(std::string_view what) const {
    fail(ErrorKind::kData, where_, fmt::format("{} in pattern '{}'", what, printable(in_)),
         "constructs that mean the same in Oniguruma and PCRE2");
  }

  void step() {
    if (in_[pos_] == '\\') {
      escape();
    } else if (in_class_) {
      class_character();
    } else {
      character();
    }
  }

  void escape() {
    if (pos_ + 1 == in_.size()) refuse("a backslash at the end");
    const char c = in_[pos_ + 1];
    if (c == 'p' || c == 'P') {
      property(c);
    } else if (c == 's' || c == 'S') {
      replace(c == 's' ? "\\p{wspace}" : "\\P{wspace}");
    } else if (c == 'd' || c == 'D') {
      replace(c == 'd' ? "\\p{Nd}" : "\\P{Nd}");
    } else if (c == 'r' || c == 'n' || c == 't' || std::ispunct(static_cast<unsigned char>(c))) {
      copy(2);
    } else {
      refuse(fmt::format("escape \\{}", printable(in_.substr(pos_ + 1, 1))));
    }
  }

  void replace(std::string_view text) {
    out_ += text;
    pos_ += 2;
  }

  // \p{L}, \p{Lu}: general categories; longer names are scripts.
  void property(char letter) {
    const size_t close = in_.find('}', pos_);
    if (in_.substr(pos_ + 2, 1) != "{" || close == std::string_view::npos) refuse("\\p without {}");
    const std::string_view name = in_.substr(pos_ + 3, close - pos_ - 3);
    for (const char c : name) {
      if (!std::isalpha(static_cast<unsigned char>(c)) && c != '_') refuse("a property name");
    }
    pos_ = close + 1;
    if (in_class_ && letter == 'p') {
      out_ += fmt::format("\\p{{{}{}}}{}", name.size() > 2 ? "sc:" : "", name, additions(name));
    } else if (additions(name).empty() || in_class_) {
      out_ += fmt::format("\\{}{{{}{}}}", letter, name.size() > 2 ? "sc:" : "", name);
    } else {
      out_ += fmt::format("[{}\\p{{{}}}{}]", letter == 'P' ? "^" : "", name, additions(name));
    }
  }

  void class_character() {
    if (in_[pos_] == '[' || starts("&&")) refuse("a nested character class");
    if (in_[pos_] == ']') in_class_ = false;
    copy(1);
  }

  void character() {
    switch (in_[pos_]) {
      case '[':
        return open_class();
      case '(':
        return open_group();
      case '{':
        if (starts("{,")) refuse("'{,'");
        return copy(1);
      case '}':
        if (starts("}+") || starts("}?")) refuse("a possessive or lazy '{n}'");
        return copy(1);
      case '^':
      case '$':
        refuse("an anchor");
      default:
        return copy(1);
    }
  }

  void open_class() {
    copy(1);
    if (starts("^")) copy(1);
    if (starts("]")) refuse("an empty character class");
    in_class_ = true;
  }

  void open_group() {
    copy(1);
    if (starts("*")) refuse("'(*'");
    if (!starts("?")) return;
    for (const std::string_view group : kGroups) {
      if (starts(group)) return copy(group.size());
    }
    refuse(fmt::format("group '({}'", printable(in_.substr(pos_, 2))));
  }

  std::string_view in_;
  const Where& where_;
  std::string out_;
  size_t pos_ = 0;
  bool in_class_ = false;
};

}  // namespace

std::string to_pcre2(std::string_view pattern, const Where& where) {
  return Translator(pattern, where).run();
}

}  // namespace telora
