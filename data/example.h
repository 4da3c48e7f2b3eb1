#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace telora {

// One benchmark row, whatever its source file looked like.
struct Example {
  std::string id;                    // "<category>/<row>", unique within its category
  size_t row = 0;                    // 0-based row of the source file
  std::string question;              // for 3gpp-tsg the whole published prompt; may be empty
  std::vector<std::string> options;  // 2-10 texts for letter tasks, the class names for classes;
                                     // none where the answer is a number
  size_t answer = 0;                 // index into options
  std::vector<std::string> source;   // values of Category::source_fields: they may betray the
                                     // answer, so they serve grouping only and never enter a prompt
  std::string group;                 // rows with one value must not be split; set by group_examples
  std::string number = {};           // the answer where it is a number: the shortest decimal text
};

}  // namespace telora
