#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/text_cursor.h"

namespace telora {

inline constexpr size_t kMaxJsonDepth = 128;

// What scan_json reports, in text order. The cursor stands at the event, inside the value's path.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  virtual void begin(bool object) = 0;  // the cursor's depth counts the new level already
  virtual void key(std::string&& key) = 0;
  virtual void scalar(nlohmann::ordered_json&& value) = 0;
  virtual void end() = 0;  // the cursor still counts the level
};

// Reads one strict JSON text: UTF-8 without a byte order mark, depth at most kMaxJsonDepth,
// integers of 64 bits, finite numbers, nothing after the value. Throws Error of the source's kind.
// With `wide_integers` a longer integer is the nearest floating-point number instead.
void scan_json(TextCursor& cursor, JsonEvents& events, bool wide_integers = false);

}  // namespace telora
