#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/byte_reader.h"
#include "core/gguf.h"

namespace telora {

// Reads the header of a GGUF file into `file`. All sizes are checked against the file before
// anything is allocated; nothing recurses.
class GgufParser {
 public:
  explicit GgufParser(GgufFile& file) : file_(file), reader_(file.file_) {}
  void parse();

 private:
  void read_version();
  uint64_t read_count(const char* field, uint64_t smallest, uint64_t cap);
  void read_pair(uint64_t index);
  std::string read_key(uint64_t index);
  GgufValue read_value(uint32_t type);
  GgufValue read_array();
  GgufValue read_elements(uint32_t type, uint64_t count);
  uint64_t read_element_count(uint64_t element_bytes);
  std::string read_string();
  bool read_bool();
  template <typename Wide, typename T>
  std::vector<Wide> read_numbers(uint64_t count);
  void note_alignment(uint32_t type, const GgufValue& value);

  void read_tensor(uint64_t index);
  std::string read_tensor_name(uint64_t index);
  void read_dims(GgufTensor& tensor);
  void read_tensor_type(GgufTensor& tensor);
  void read_tensor_offset(GgufTensor& tensor);
  void place_data();
  // The field of messages: `tensor[3] "blk.0.attn_q.weight".type`.
  void at_tensor(const GgufTensor& tensor, std::string_view part);

  GgufFile& file_;
  ByteReader reader_;
  uint64_t alignment_ = 32;
  uint64_t array_elements_ = 0;  // of all arrays so far
  uint64_t next_offset_ = 0;     // in the data section, where the next tensor must begin
};

}  // namespace telora
