#include "core/document.h"
#include "core/json_scan.h"
#include "core/tree_builder.h"

namespace telora {

namespace {

// A vocabulary of half a million tokens with its merges stays below half of this.
constexpr size_t kMaxJsonNodes = size_t{1} << 22;

class DocumentEvents : public JsonEvents {
 public:
  explicit DocumentEvents(const TextCursor& cursor) : builder_(cursor, kMaxJsonNodes) {}
  void begin(bool object) override { builder_.begin(object); }
  void key(std::string&& key) override { builder_.key(std::move(key)); }
  void scalar(nlohmann::ordered_json&& value) override { builder_.scalar(std::move(value)); }
  void end() override { builder_.end(); }
  nlohmann::ordered_json& root() { return builder_.root(); }

 private:
  TreeBuilder builder_;
};

}  // namespace

Document Document::parse_json(std::string_view text, std::string file, int first_line,
                              ErrorKind kind, bool wide_integers) {
  TextCursor cursor(text, {file, kind, first_line});
  DocumentEvents events(cursor);
  scan_json(cursor, events, wide_integers);
  Document document;
  document.root_ = std::make_shared<const nlohmann::ordered_json>(std::move(events.root()));
  document.positions_ = std::make_shared<const Positions>();
  document.file_ = std::move(file);
  document.kind_ = kind;
  document.first_line_ = first_line;
  const bool one_line = text.find('\n') == std::string_view::npos;
  document.where_line_ = one_line ? first_line : 0;
  return document;
}

}  // namespace telora
