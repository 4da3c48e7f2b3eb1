// Ids against those of the Hugging Face tokenizers library (golden/make_smollm2_tokens.py).
#include <gtest/gtest.h>

#include "backbone/tokenizer.h"
#include "core/document.h"
#include "core/files.h"
#include "core/gguf.h"
#include "tests/backbone/text_support.h"

namespace telora {
namespace {

TEST(TokenizerGolden, SmolLm2IdsAreThoseOfTheReference) {
  TELORA_REQUIRE_SMOLLM2();
  const Tokenizer tokenizer = Tokenizer::from_gguf(GgufFile(text_tests::smollm2_file()));
  const std::filesystem::path path =
      std::filesystem::path(TELORA_SOURCE_DIR) / "tests" / "golden" / "smollm2_tokens.json";
  const Document document = Document::parse_json(read_text(path), path.string());
  const text_tests::Json& lines = document.root().at("lines");
  ASSERT_GE(lines.size(), 50u);
  for (const text_tests::Json& line : lines) {
    const auto text = line.at("text").get<std::string>();
    const auto ids = line.at("ids").get<std::vector<int32_t>>();
    EXPECT_EQ(tokenizer.encode(text), ids) << printable(text);
    EXPECT_EQ(tokenizer.decode(ids, false), line.at("decoded").get<std::string>());
  }
}

}  // namespace
}  // namespace telora
