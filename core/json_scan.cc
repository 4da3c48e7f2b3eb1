#include "core/json_scan.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <iterator>

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

// Lets the handler see how far the lexer has read: nlohmann's events carry no position.
struct TrackedIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  const char** reached;

  reference operator*() const { return *at; }
  TrackedIterator& operator++() {
    *reached = ++at;
    return *this;
  }
  bool operator==(const TrackedIterator& other) const { return at == other.at; }
  bool operator!=(const TrackedIterator& other) const { return at != other.at; }
};

// The library's "[json.exception...] parse error at line 1, column 2: syntax error ..." without the
// front, which names neither file nor field.
std::string core_of_message(std::string_view message) {
  const size_t column = message.find("column ");
  const size_t colon = message.find(": ", column == std::string_view::npos ? 0 : column);
  if (colon != std::string_view::npos) message.remove_prefix(colon + 2);
  return printable(message, 300);
}

class Handler : public nlohmann::json_sax<Json> {
 public:
  Handler(TextCursor& cursor, JsonEvents& events, bool wide_integers)
      : cursor_(cursor),
        events_(events),
        wide_integers_(wide_integers),
        reached_(cursor.text().data()) {}

  void run() {
    const char* first = cursor_.text().data();
    const char* last = first + cursor_.text().size();
    Json::sax_parse(TrackedIterator{first, &reached_}, TrackedIterator{last, &reached_}, this);
  }

  bool null() override { return scalar(nullptr); }
  bool boolean(bool value) override { return scalar(value); }
  bool number_integer(Json::number_integer_t value) override { return scalar(value); }
  bool number_unsigned(Json::number_unsigned_t value) override { return scalar(value); }
  bool number_float(Json::number_float_t value, const std::string& text) override {
    if (!wide_integers_ && text.find_first_of(".eE") == std::string::npos) {
      update();
      refuse_number(text, "an integer of at most 64 bits");
    }
    return scalar(value);
  }
  bool string(std::string& value) override { return scalar(std::move(value)); }
  bool binary(Json::binary_t&) override { return false; }
  bool key(std::string& key) override {
    update();
    cursor_.enter_key(key);
    events_.key(std::move(key));
    return true;
  }
  bool start_object(size_t) override { return begin(true); }
  bool end_object() override { return end(); }
  bool start_array(size_t) override { return begin(false); }
  bool end_array() override { return end(); }
  bool parse_error(size_t position, const std::string& token,
                   const Json::exception& error) override {
    cursor_.move_to(position > 0 ? position - 1 : 0);
    if (error.id == 406) refuse_number(token, "a number in the range of a 64-bit float");
    refuse_syntax(error.what());
  }

 private:
  void update() {
    const char* first = cursor_.text().data();
    cursor_.move_to(reached_ == first ? 0 : static_cast<size_t>(reached_ - first) - 1);
  }

  bool scalar(Json&& value) {
    update();
    events_.scalar(std::move(value));
    cursor_.end_value();
    return true;
  }

  bool begin(bool object) {
    update();
    cursor_.open(object, kMaxJsonDepth);
    events_.begin(object);
    return true;
  }

  bool end() {
    update();
    events_.end();
    cursor_.close();
    return true;
  }

  [[noreturn]] void refuse_number(std::string_view text, std::string_view want) const {
    cursor_.fail("the number " + printable(text, 60), want);
  }

  [[noreturn]] void refuse_syntax(std::string_view message) const {
    const std::string_view text = cursor_.text();
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
      cursor_.fail("an empty text", "a JSON value");
    }
    size_t word = std::min(cursor_.offset(), text.size() - 1);
    while (word > 0 && std::isalpha(static_cast<unsigned char>(text[word - 1]))) --word;
    for (const std::string_view name : {"NaN", "Infinity", "nan", "inf"}) {
      if (text.substr(word).starts_with(name)) {
        cursor_.fail(name, "a finite number", "JSON has no NaN and no Infinity");
      }
    }
    const bool cut = message.find("unexpected end of input") != std::string_view::npos ||
                     cursor_.offset() + 1 >= text.size();
    cursor_.fail(core_of_message(message), "valid JSON", cut ? "is the text truncated?" : "");
  }

  TextCursor& cursor_;
  JsonEvents& events_;
  bool wide_integers_;
  const char* reached_;
};

}  // namespace

void scan_json(TextCursor& cursor, JsonEvents& events, bool wide_integers) {
  cursor.check_encoding();
  Handler(cursor, events, wide_integers).run();
}

}  // namespace telora
