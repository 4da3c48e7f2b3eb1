#include "core/embedded.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"

namespace telora {

std::string_view embedded_file(std::string_view name) {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name == name) return file.text;
    names.emplace_back(file.name);
  }
  const std::string near = nearest(name, names);
  fail(ErrorKind::kUsage, {.file = printable(name), .field = {}},
       "no such file built into the program", "one of the files of configs/",
       near.empty() ? "" : fmt::format("did you mean {}?", near));
}

}  // namespace telora
