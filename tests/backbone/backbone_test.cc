#include "backbone/backbone.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "backbone/byte_level.h"
#include "core/error.h"
#include "tests/golden/model_files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using Json = nlohmann::ordered_json;

// A byte-level tokenizer of the 256 bytes and nothing else.
void write_byte_tokenizer(const std::filesystem::path& folder) {
  Json vocabulary = Json::object();
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary[std::string(byte_spelling(static_cast<unsigned char>(byte)))] = byte;
  }
  const Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  std::ofstream(folder / "tokenizer.json")
      << Json{{"pre_tokenizer", bytes},
              {"decoder", bytes},
              {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", Json::array()}}}};
}

TEST(Backbone, T13AVocabularyLargerThanTheEmbeddingIsRefused) {
  const golden::Scratch scratch;
  DecoderSpec spec = golden::tiny_llama();
  golden::write_folder(scratch.path(), spec, golden::tiny_weights(spec));
  write_byte_tokenizer(scratch.path());
  try {
    load_backbone(scratch.path().string(), at::kFloat, "smollm2");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_NE(std::string(error.what()).find("256 tokens, want at most 40"), std::string::npos)
        << error.what();
  }
  spec.vocab = 256;
  golden::write_folder(scratch.path(), spec, golden::tiny_weights(spec));
  EXPECT_EQ(load_backbone(scratch.path().string(), at::kFloat, "smollm2").tokenizer.size(), 256);
}

}  // namespace
}  // namespace telora
