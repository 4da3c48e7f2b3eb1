#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/text_cursor.h"

namespace telora {

// Builds one value from the events of a text. Duplicate keys are found by sorting the keys of each
// object when it ends, so neither many keys nor colliding hashes make it slow.
class TreeBuilder {
 public:
  TreeBuilder(const TextCursor& cursor, size_t max_nodes)
      : cursor_(cursor), max_nodes_(max_nodes) {}

  void begin(bool object);
  void key(std::string&& key);
  void scalar(nlohmann::ordered_json&& value);
  void end();

  nlohmann::ordered_json& root() { return root_; }

 private:
  struct Frame {
    nlohmann::ordered_json* node;
    std::vector<size_t> key_offsets;  // of an object's members, in order
  };

  nlohmann::ordered_json* place(nlohmann::ordered_json&& value);
  void refuse_duplicates(const Frame& frame) const;

  const TextCursor& cursor_;
  size_t max_nodes_;
  size_t nodes_ = 0;
  nlohmann::ordered_json root_;
  std::vector<Frame> open_;
};

}  // namespace telora
