#pragma once

#include <string>

#include "core/document.h"

// Reading of config.json as transformers means it: a null key is one whose class default holds.
namespace telora {

// Present and not null.
inline bool given(Fields& fields, const std::string& key) {
  fields.ignore(key);
  return fields.has(key) && !fields.is_null(key);
}

inline bool flag(Fields& fields, const std::string& key) {
  return given(fields, key) && fields.boolean(key);
}

}  // namespace telora
