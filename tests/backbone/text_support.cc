#include "tests/backbone/text_support.h"

#include <gtest/gtest.h>

#include <fstream>

#include "backbone/byte_level.h"
#include "core/gguf.h"
#include "tests/golden/gguf_writer.h"

namespace telora::text_tests {

namespace fs = std::filesystem;

namespace {

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json pre_tokenizer_json(const std::string& id) {
  if (id == "gpt-2") return byte_level(true);
  const Json digits = {{"type", "Digits"}, {"individual_digits", true}};
  return {{"type", "Sequence"}, {"pretokenizers", {digits, byte_level(true)}}};
}

}  // namespace

std::vector<std::string> Tiny::tokens() const {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    tokens.emplace_back(byte_spelling(static_cast<unsigned char>(byte)));
  }
  for (const auto& [left, right] : merges) tokens.push_back(left + right);
  if (special_added) tokens.insert(tokens.end(), {"<|end|>", "<|go|>", "<tool>"});
  return tokens;
}

Json Tiny::tokenizer_json() const {
  Json vocabulary = Json::object(), pairs = Json::array(), added = Json::array();
  int32_t id = 0;
  for (const std::string& token : tokens()) {
    if (id < end_id()) {
      vocabulary[token] = id;
    } else {
      added.push_back(
          {{"id", id}, {"content", token}, {"special", token != "<tool>"}, {"normalized", false}});
    }
    ++id;
  }
  for (const auto& [left, right] : merges) pairs.push_back({left, right});
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", nullptr},
          {"pre_tokenizer", pre_tokenizer_json(pre)},
          {"post_processor", nullptr},
          {"decoder", byte_level(true)},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", vocabulary},
            {"merges", pairs}}}};
}

TinyGguf::TinyGguf(const Tiny& tiny)
    : tokens(tiny.tokens()), types(tokens.size(), 1), pre(tiny.pre), eos(tiny.end_id()), bos(eos) {
  for (const auto& [left, right] : tiny.merges) merges.push_back(left + " " + right);
  if (!tiny.special_added) return;
  types[tiny.end_id()] = types[tiny.go_id()] = 3;
  types[tiny.tool_id()] = 4;
}

namespace {

// After the key: the value's type (4 bytes), then the type of the array's elements.
void mark_as_floats(std::string& bytes, const std::string& key) {
  constexpr char kFloat32 = 6;
  bytes.at(bytes.find(key) + key.size() + 4) = kFloat32;
}

}  // namespace

Tokenizer TinyGguf::open(const golden::Scratch& scratch) const {
  golden::GgufWriter writer;
  writer.set_string("general.architecture", "llama");
  writer.set_string("tokenizer.ggml.model", model);
  writer.set_string("tokenizer.ggml.pre", pre);
  writer.set_strings("tokenizer.ggml.tokens", tokens);
  writer.set_u32s("tokenizer.ggml.token_type", types);
  if (!scores.empty()) {
    writer.set_u32s("tokenizer.ggml.scores", scores);
  }
  writer.set_strings("tokenizer.ggml.merges", merges);
  writer.set_u32("tokenizer.ggml.eos_token_id", eos);
  writer.set_u32("tokenizer.ggml.bos_token_id", bos);
  std::string bytes = writer.bytes();
  if (!scores.empty()) mark_as_floats(bytes, "tokenizer.ggml.scores");
  write_text(scratch / "tiny.gguf", bytes);
  return Tokenizer::from_gguf(GgufFile(scratch / "tiny.gguf"));
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

Tokenizer open_folder(const golden::Scratch& scratch, const Json& json) {
  write_text(scratch / "tokenizer.json", json.dump());
  return Tokenizer::from_folder(scratch.path());
}

Tokenizer open_tiny(const Tiny& tiny) {
  const golden::Scratch scratch;
  return open_folder(scratch, tiny.tokenizer_json());
}

void expect_error(ErrorKind kind, const std::vector<std::string>& parts,
                  const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
          << "no '" << part << "' in: " << error.what();
    }
    return;
  }
  ADD_FAILURE() << "nothing was thrown";
}

fs::path smollm2_file() {
  const fs::path path = fs::path(TELORA_SOURCE_DIR) / "models" / "smollm2-135m-instruct.gguf";
  return fs::exists(path) ? path : fs::path();
}

}  // namespace telora::text_tests
