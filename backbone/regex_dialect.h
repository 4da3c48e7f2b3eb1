#pragma once

#include <string>
#include <string_view>

#include "core/error.h"

namespace telora {

// Rewrites an Oniguruma pattern for PCRE2 so that both match the same text: \s becomes the Unicode
// White_Space property (PCRE2's own \s also takes U+180E), \p{Script} the plain script property.
// Throws Error(data) at `where` for constructs whose meaning differs (\w, \h, anchors, `{n}+`,
// ...).
std::string to_pcre2(std::string_view pattern, const Where& where);

}  // namespace telora
