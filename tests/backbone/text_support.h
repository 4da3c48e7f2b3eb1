#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "backbone/tokenizer.h"
#include "core/error.h"
#include "tests/golden/scratch.h"

namespace telora::text_tests {

using Json = nlohmann::ordered_json;

// A small byte-level tokenizer: ids 0-255 are the bytes, then the joined merges, then
// `<|end|>` (special), `<|go|>` (special) and `<tool>` (not special).
struct Tiny {
  std::vector<std::pair<std::string, std::string>> merges = {
      {"l", "l"}, {"h", "e"}, {"he", "ll"}, {"hell", "o"}, {"Ġ", "hello"}, {"a", "b"}, {"b", "a"}};
  std::string pre = "smollm";  // or gpt-2, llama-bpe
  bool special_added = true;

  int32_t byte_id(unsigned char byte) const { return byte; }
  int32_t merge_id(size_t index) const { return static_cast<int32_t>(256 + index); }
  int32_t end_id() const { return merge_id(merges.size()); }
  int32_t go_id() const { return end_id() + 1; }
  int32_t tool_id() const { return end_id() + 2; }

  std::vector<std::string> tokens() const;
  Json tokenizer_json() const;
};

// What differs from a well-made GGUF file of a Tiny tokenizer.
struct TinyGguf {
  std::vector<std::string> tokens;
  std::vector<uint32_t> types;
  std::vector<uint32_t> scores;  // bit patterns of floats; none: no such key
  std::vector<std::string> merges;
  std::string model = "gpt2";
  std::string pre;
  uint32_t eos;
  uint32_t bos;

  explicit TinyGguf(const Tiny& tiny);
  Tokenizer open(const golden::Scratch& scratch) const;
};

void write_text(const std::filesystem::path& path, const std::string& text);
// Writes `json` as tokenizer.json of `scratch` and opens the folder.
Tokenizer open_folder(const golden::Scratch& scratch, const Json& json);
Tokenizer open_tiny(const Tiny& tiny = {});

// Expects an Error of this kind whose message holds every part.
void expect_error(ErrorKind kind, const std::vector<std::string>& parts,
                  const std::function<void()>& action);

// The model file that tools/setup.sh links; empty if it is not there.
std::filesystem::path smollm2_file();

}  // namespace telora::text_tests

#define TELORA_REQUIRE_SMOLLM2()                  \
  if (telora::text_tests::smollm2_file().empty()) \
  GTEST_SKIP() << "models/smollm2-135m-instruct.gguf is absent: run tools/setup.sh"
