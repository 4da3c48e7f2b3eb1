#pragma once

#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"

namespace telora {

// A JSON or YAML text, strictly parsed: no duplicate keys, bounded depth, valid UTF-8, finite
// numbers. YAML is read by the JSON-compatible core schema (no `010` octals, no `yes`, no tags, no
// aliases).
class Document {
 public:
  // Throws Error (data, or the kind given) with line and column. `first_line` numbers a JSONL row.
  // `wide_integers`: longer integers become the nearest floating-point number (transformers writes
  // 10^30 for "no limit" into tokenizer_config.json).
  static Document parse_json(std::string_view text, std::string file, int first_line = 1,
                             ErrorKind kind = ErrorKind::kData, bool wide_integers = false);
  // Throws Error(config) with line and column. At most 1 MB, 10,000 nodes, depth 64.
  static Document parse_yaml(std::string_view text, std::string file);

  const nlohmann::ordered_json& root() const { return *root_; }
  const std::string& file() const { return file_; }
  ErrorKind kind() const { return kind_; }
  int first_line() const { return first_line_; }
  // Line and column of a dotted path (YAML), the line of a one-line JSON text, otherwise file and
  // path.
  Where where(const std::string& path) const;

 private:
  using Positions = std::map<std::string, std::pair<int, int>>;

  std::shared_ptr<const nlohmann::ordered_json> root_;
  std::shared_ptr<const Positions> positions_;
  std::string file_;
  ErrorKind kind_ = ErrorKind::kData;
  int first_line_ = 1;
  int where_line_ = 0;  // first_line_ of a one-line text, else 0: the line is not known
};

template <typename T>
struct Range {
  T min = std::numeric_limits<T>::lowest();
  T max = std::numeric_limits<T>::max();
  bool min_excluded = false;
  bool max_excluded = false;
};

// Typed, checked reading of one object of a Document. Every getter throws Error(document kind)
// naming file, dotted path, what was found and what was wanted; no narrowing, no bool-to-int, no
// defaults.
class Fields {
 public:
  explicit Fields(const Document& document);  // the root, which must be an object

  bool has(const std::string& key) const;      // present, null included
  bool is_null(const std::string& key) const;  // present and null
  std::vector<std::string> keys() const;       // in file order

  std::string string(const std::string& key);
  std::string string(const std::string& key, const std::vector<std::string>& allowed);
  int64_t integer(const std::string& key, Range<int64_t> range = {});
  double number(const std::string& key, Range<double> range = {});
  bool boolean(const std::string& key);
  std::vector<std::string> strings(const std::string& key);
  std::vector<int64_t> integers(const std::string& key, Range<int64_t> range = {});
  std::vector<double> numbers(const std::string& key, Range<double> range = {});
  Fields object(const std::string& key);
  std::vector<Fields> objects(const std::string& key);  // an array of objects
  const nlohmann::ordered_json& raw(const std::string& key);

  void ignore(const std::string& key);  // known, and without effect here
  // Throws for the first key that no call above has named, with the nearest known key.
  void finish() const;

  [[noreturn]] void fail(const std::string& key, std::string_view found, std::string_view want,
                         std::string_view advice = {}) const;
  Where where(const std::string& key) const;
  const std::string& path() const { return path_; }

 private:
  Fields(const Document& document, const nlohmann::ordered_json& object, std::string path);
  const nlohmann::ordered_json& at(const std::string& key, std::string_view want);
  const nlohmann::ordered_json& array_at(const std::string& key, std::string_view want);

  Document document_;
  const nlohmann::ordered_json* object_;
  std::string path_;
  std::vector<std::string> known_;
};

// The whole of `value` as one-line compact JSON; finite numbers only.
std::string to_json(const nlohmann::ordered_json& value);

}  // namespace telora
