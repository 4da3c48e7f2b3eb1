#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "core/document.h"
#include "core/text.h"
#include "core/tree_builder.h"
#include "core/yaml_scalar.h"

namespace telora {

namespace {

constexpr size_t kMaxYamlBytes = size_t{1} << 20;
constexpr size_t kMaxYamlNodes = 10'000;
constexpr size_t kMaxYamlDepth = 64;
// Ten for each node that is allowed. yaml-cpp scans a whole flow collection before its first event,
// so the cap on nodes alone would come too late.
constexpr ptrdiff_t kMaxYamlFlowMarks = 100'000;

using Positions = std::map<std::string, std::pair<int, int>>;

// Receives yaml-cpp's events, so nothing is expanded: anchors, aliases and tags are refused as they
// come.
class Handler : public YAML::EventHandler {
 public:
  explicit Handler(TextCursor& cursor) : cursor_(cursor), builder_(cursor, kMaxYamlNodes) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    move_to(mark);
    if (documents_++ > 0) cursor_.fail("a second document", "one document");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    begin_node(mark, "?", anchor);
    if (wants_key()) cursor_.fail("an empty key", "a key");
    finish_scalar(nullptr);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    move_to(mark);
    cursor_.fail("an alias (*name)", "the value itself", "telora reads no aliases");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    begin_node(mark, tag, anchor);
    if (text.find('\0') != std::string::npos || find_invalid_utf8(text) != std::string::npos) {
      cursor_.fail("text with NUL or broken UTF-8", "plain text");
    }
    if (wants_key()) return enter_key(mark, text);
    finish_scalar(tag == "?" ? plain_scalar(text) : nlohmann::ordered_json(text));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin_container(mark, tag, anchor, false);
  }
  void OnSequenceEnd() override { end_container(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin_container(mark, tag, anchor, true);
  }
  void OnMapEnd() override { end_container(); }

  nlohmann::ordered_json& root() { return builder_.root(); }
  Positions& positions() { return positions_; }
  int documents() const { return documents_; }

 private:
  // In a mapping, keys and values come in turn.
  bool wants_key() const { return cursor_.in_object() && !has_key_; }

  void move_to(const YAML::Mark& mark) {
    if (mark.pos >= 0) cursor_.move_to(static_cast<size_t>(mark.pos));
  }

  // `!` before a quoted scalar is yaml-cpp's word for "quoted"; in the text itself it is a tag.
  bool has_tag(const std::string& tag) const {
    if (tag == "?") return false;
    return tag != "!" || cursor_.text().substr(cursor_.offset()).starts_with('!');
  }

  void begin_node(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    move_to(mark);
    if (anchor != 0) cursor_.fail("an anchor (&name)", "a plain value", "telora reads no anchors");
    if (has_tag(tag)) {
      cursor_.fail("the tag " + printable(tag, 60), "a value without a tag", "remove the tag");
    }
    if (!cursor_.in_object()) note_position(mark);
  }

  void note_position(const YAML::Mark& mark) {
    positions_.emplace(cursor_.path(), std::pair(mark.line + 1, mark.column + 1));
  }

  void enter_key(const YAML::Mark& mark, const std::string& text) {
    cursor_.enter_key(text);
    note_position(mark);
    builder_.key(std::string(text));
    has_key_ = true;
  }

  nlohmann::ordered_json plain_scalar(const std::string& text) const {
    if (const auto value = read_yaml_scalar(text)) return *value;
    cursor_.fail("the number " + printable(text, 60), "a number that fits in 64 bits",
                 "quote it if it is meant as text");
  }

  void finish_scalar(nlohmann::ordered_json&& value) {
    builder_.scalar(std::move(value));
    cursor_.end_value();
    has_key_ = false;
  }

  void begin_container(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       bool object) {
    begin_node(mark, tag, anchor);
    if (wants_key()) cursor_.fail("a list or mapping as a key", "a plain key");
    cursor_.open(object, kMaxYamlDepth);
    builder_.begin(object);
    has_key_ = false;
  }

  void end_container() {
    builder_.end();
    cursor_.close();
    has_key_ = false;
  }

  TextCursor& cursor_;
  TreeBuilder builder_;
  Positions positions_;
  bool has_key_ = false;
  int documents_ = 0;
};

void check_text(TextCursor& cursor) {
  const std::string_view text = cursor.text();
  if (text.size() > kMaxYamlBytes) {
    cursor.fail(fmt::format("{} bytes", text.size()), fmt::format("at most {}", kMaxYamlBytes));
  }
  const auto is_flow_mark = [](char c) { return c == '[' || c == '{' || c == ','; };
  const ptrdiff_t marks = std::ranges::count_if(text, is_flow_mark);
  if (marks > kMaxYamlFlowMarks) {
    cursor.fail(fmt::format("{} brackets, braces and commas", marks),
                fmt::format("at most {}", kMaxYamlFlowMarks));
  }
  cursor.check_encoding();
  // yaml-cpp takes the byte 4 for the end of the text; YAML allows no control bytes anyway.
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte >= 0x20 && byte != 0x7f) || byte == '\t' || byte == '\n' || byte == '\r') continue;
    cursor.move_to(i);
    cursor.fail(fmt::format("the control byte 0x{:02x}", static_cast<unsigned>(byte)), "text");
  }
}

void parse(TextCursor& cursor, Handler& handler) {
  std::istringstream stream{std::string(cursor.text())};
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(handler)) {
    }
  } catch (const YAML::Exception& error) {
    if (error.mark.pos >= 0) cursor.move_to(static_cast<size_t>(error.mark.pos));
    cursor.fail(error.msg, "valid YAML");
  }
  if (handler.documents() == 0) cursor.fail("an empty file", "a YAML mapping");
}

}  // namespace

Document Document::parse_yaml(std::string_view text, std::string file) {
  TextCursor cursor(text, {file, ErrorKind::kConfig});
  check_text(cursor);
  Handler handler(cursor);
  parse(cursor, handler);
  Document document;
  document.root_ = std::make_shared<const nlohmann::ordered_json>(std::move(handler.root()));
  document.positions_ = std::make_shared<const Positions>(std::move(handler.positions()));
  document.file_ = std::move(file);
  document.kind_ = ErrorKind::kConfig;
  return document;
}

}  // namespace telora
