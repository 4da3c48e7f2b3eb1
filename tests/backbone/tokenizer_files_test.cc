// What is read beside the vocabulary: named tokens, post-processors, templates, digests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backbone/tokenizer.h"
#include "core/gguf.h"
#include "tests/backbone/text_support.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::ElementsAre;
using text_tests::expect_error;
using text_tests::Json;
using text_tests::open_folder;
using text_tests::open_tiny;
using text_tests::smollm2_file;
using text_tests::Tiny;
using text_tests::TinyGguf;
using text_tests::write_text;

const Tiny kTiny;

Tokenizer with_config(const Scratch& scratch, const Json& config) {
  write_text(scratch / "tokenizer_config.json", config.dump());
  return open_folder(scratch, kTiny.tokenizer_json());
}

TEST(TokenizerFolder, NamesTokensAsTheConfigSays) {
  const Scratch scratch;
  const Tokenizer tokenizer = with_config(scratch, {{"bos_token", "<|go|>"},
                                                    {"eos_token", {{"content", "<|end|>"}}},
                                                    {"pad_token", nullptr},
                                                    {"model_max_length", 8192},
                                                    {"chat_template", "T"}});
  EXPECT_EQ(tokenizer.bos_id(), kTiny.go_id());
  EXPECT_EQ(tokenizer.eos_id(), kTiny.end_id());
  EXPECT_EQ(tokenizer.pad_id(), std::nullopt);
  EXPECT_FALSE(tokenizer.add_bos());
  EXPECT_THAT(tokenizer.end_of_turn_ids(), ElementsAre(kTiny.end_id()));
  EXPECT_EQ(tokenizer.chat_template(), "T");
}

TEST(TokenizerFolder, EndOfTurnTakesTheListOfTheGenerationConfig) {
  const Scratch scratch;
  write_text(scratch / "generation_config.json",
             Json{{"eos_token_id", {kTiny.tool_id(), kTiny.go_id()}}}.dump());
  const Tokenizer tokenizer = with_config(scratch, {{"eos_token", "<|end|>"}});
  EXPECT_THAT(tokenizer.end_of_turn_ids(),
              ElementsAre(kTiny.end_id(), kTiny.go_id(), kTiny.tool_id()));
  write_text(scratch / "generation_config.json", R"({"eos_token_id": 100000})");
  expect_error(ErrorKind::kData, {"generation_config.json: eos_token_id", "100000"},
               [&] { Tokenizer::from_folder(scratch.path()); });
}

TEST(TokenizerFolder, TheTemplateFileWins) {
  const Scratch scratch;
  write_text(scratch / "chat_template.jinja", "from the file");
  EXPECT_EQ(with_config(scratch, {{"chat_template", "T"}}).chat_template(), "from the file");
}

TEST(TokenizerFolder, OneOfSeveralTemplatesIsTheDefault) {
  const Scratch scratch;
  const Json entry = {{"name", "default"}, {"template", "D"}};
  const Json other = {{"name", "rag"}, {"template", "R"}};
  EXPECT_EQ(with_config(scratch, {{"chat_template", {other, entry}}}).chat_template(), "D");
  expect_error(ErrorKind::kData, {"tokenizer_config.json: chat_template", "default"}, [&] {
    with_config(scratch, {{"chat_template", Json::array({other})}});
  });
  EXPECT_EQ(open_tiny().chat_template(), std::nullopt);
}

TEST(TokenizerFolder, ANamedTokenIsMatchedWholeAndSpecial) {
  const Scratch scratch;
  const Tokenizer tokenizer = with_config(scratch, {{"eos_token", "hello"}});
  EXPECT_THAT(tokenizer.encode("helloo"), ElementsAre(kTiny.merge_id(3), 'o'));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("ahello")), "a");
  expect_error(ErrorKind::kData, {"tokenizer_config.json: eos_token", "'</s>'"}, [&] {
    with_config(scratch, {{"eos_token", "</s>"}});
  });
}

TEST(TokenizerFolder, ConfigThatContradictsTheTokenizerIsRefused) {
  const Scratch scratch;
  const auto added = [&](int32_t id, const std::string& content, bool special) {
    const Json entry = {{"content", content}, {"special", special}, {"normalized", false}};
    return Json{{"added_tokens_decoder", {{std::to_string(id), entry}}}};
  };
  EXPECT_NO_THROW(with_config(scratch, added(kTiny.go_id(), "<|go|>", true)));
  const std::string field = "added_tokens_decoder." + std::to_string(kTiny.go_id());
  expect_error(ErrorKind::kData, {field, "other values"},
               [&] { with_config(scratch, added(kTiny.go_id(), "<|go|>", false)); });
  expect_error(ErrorKind::kData, {"added_tokens_decoder.97", "does not add"},
               [&] { with_config(scratch, added('a', "a", true)); });
  expect_error(ErrorKind::kData, {"added_tokens_decoder.9999"},
               [&] { with_config(scratch, added(9999, "<x>", true)); });
  expect_error(ErrorKind::kData, {"add_prefix_space", "true"}, [&] {
    with_config(scratch, {{"add_prefix_space", true}});
  });
  expect_error(ErrorKind::kData, {"add_bos_token", "no such token"}, [&] {
    with_config(scratch, {{"add_bos_token", true}});
  });
}

Json template_processing(const std::vector<std::string>& pieces) {
  Json single = Json::array(), special = Json::object();
  for (const std::string& piece : pieces) {
    if (piece == "A") {
      single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
    } else {
      single.push_back({{"SpecialToken", {{"id", piece}, {"type_id", 0}}}});
      const int32_t id = piece == "<|go|>" ? kTiny.go_id() : kTiny.end_id();
      special[piece] = {{"id", piece}, {"ids", {id}}, {"tokens", {piece}}};
    }
  }
  return {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", special}};
}

Tokenizer with_processor(const Scratch& scratch, const Json& processor) {
  Json json = kTiny.tokenizer_json();
  json["post_processor"] = processor;
  return open_folder(scratch, json);
}

TEST(TokenizerFolder, PostProcessorsTellWhatSurroundsAText) {
  const Scratch scratch;
  const Json byte_level = {{"type", "ByteLevel"}, {"trim_offsets", false}};
  EXPECT_FALSE(with_processor(scratch, byte_level).add_bos());
  const Tokenizer tokenizer = with_processor(
      scratch, {{"type", "Sequence"},
                {"processors", {byte_level, template_processing({"<|go|>", "A", "<|end|>"})}}});
  EXPECT_TRUE(tokenizer.add_bos());
  EXPECT_TRUE(tokenizer.add_eos());
  EXPECT_EQ(tokenizer.bos_id(), kTiny.go_id());
  EXPECT_EQ(tokenizer.eos_id(), kTiny.end_id());
  EXPECT_THAT(tokenizer.encode("a"), ElementsAre('a'));
}

TEST(TokenizerFolder, T10PostProcessorsThatDoNotFitAreRefused) {
  const Scratch scratch;
  Json missing = template_processing({"<|go|>", "A"});
  missing["single"][0]["SpecialToken"]["id"] = "[CLS]";
  expect_error(ErrorKind::kData, {"post_processor.single[0].SpecialToken.id", "'[CLS]'"},
               [&] { with_processor(scratch, missing); });
  Json other_id = template_processing({"<|go|>", "A"});
  other_id["special_tokens"]["<|go|>"]["ids"] = {1};
  expect_error(ErrorKind::kData, {"post_processor.special_tokens.<|go|>.ids"},
               [&] { with_processor(scratch, other_id); });
  expect_error(ErrorKind::kData, {"post_processor.single", "3 pieces"}, [&] {
    with_processor(scratch, template_processing({"<|go|>", "<|end|>", "A"}));
  });
  expect_error(ErrorKind::kData, {"post_processor.type", "'BertProcessing'"}, [&] {
    with_processor(scratch, {{"type", "BertProcessing"}});
  });
}

TEST(TokenizerFolder, MergesMayBeTextsWithAHeading) {
  Json json = kTiny.tokenizer_json();
  Json merges = Json::array({"#version: 0.2"});
  for (const auto& [left, right] : kTiny.merges) merges.push_back(left + " " + right);
  json["model"]["merges"] = merges;
  const Scratch scratch;
  EXPECT_EQ(open_folder(scratch, json).digest(), open_tiny().digest());
}

TEST(TokenizerFolder, WithoutATokenizerItSaysWhatIsMissing) {
  const Scratch scratch;
  expect_error(ErrorKind::kMissing, {"tokenizer.json"},
               [&] { Tokenizer::from_folder(scratch.path()); });
  write_text(scratch / "tokenizer.model", "\x0a\x0e");
  expect_error(ErrorKind::kData, {"tokenizer.model", "model at byte 0"},
               [&] { Tokenizer::from_folder(scratch.path()); });
}

TEST(TokenizerGguf, ReadsNamedTokensAndPadding) {
  TinyGguf file(kTiny);
  file.tokens.push_back("[PAD266]");
  file.types.push_back(5);
  file.bos = kTiny.go_id();
  const Scratch scratch;
  const Tokenizer tokenizer = file.open(scratch);
  EXPECT_EQ(tokenizer.size(), kTiny.tool_id() + 2);
  EXPECT_EQ(tokenizer.bos_id(), kTiny.go_id());
  EXPECT_THAT(tokenizer.end_of_turn_ids(), ElementsAre(kTiny.end_id()));
  EXPECT_FALSE(tokenizer.add_bos());
  EXPECT_EQ(tokenizer.encode("[PAD266]").size(), 8u);
  EXPECT_TRUE(tokenizer.is_special(kTiny.go_id()));
  EXPECT_FALSE(tokenizer.is_special(kTiny.tool_id()));
}

TEST(TokenizerGguf, PreTokenizerIdsChooseThePattern) {
  Tiny tiny;
  tiny.merges = {{"1", "2"}, {"Ġ", "1"}, {"12", "3"}, {"123", "4"}};
  const Scratch scratch;
  const auto ids = [&](const std::string& pre) {
    TinyGguf file(tiny);
    file.pre = pre;
    return file.open(scratch).encode("1234");
  };
  for (const char* pre : {"smollm", "refact", "qwen2"}) {
    EXPECT_THAT(ids(pre), ElementsAre('1', '2', '3', '4')) << pre;
  }
  for (const char* pre : {"gpt-2", "exaone4", "olmo"}) {
    EXPECT_THAT(ids(pre), ElementsAre(tiny.merge_id(3))) << pre;
  }
  for (const char* pre : {"llama-bpe", "dbrx"}) {
    EXPECT_THAT(ids(pre), ElementsAre(tiny.merge_id(2), '4')) << pre;
  }
}

TEST(TokenizerGguf, LlamaBpeAddsTheStartUnlessTheFileSaysOtherwise) {
  TinyGguf file(kTiny);
  file.pre = "llama-bpe";
  const Scratch scratch;
  EXPECT_TRUE(file.open(scratch).add_bos());
}

TEST(TokenizerDigest, IsTheSameForBothFormsOfOneTokenizer) {
  const Scratch scratch;
  for (const char* pre : {"smollm", "gpt-2"}) {
    Tiny tiny;
    tiny.pre = pre;
    EXPECT_EQ(TinyGguf(tiny).open(scratch).digest(), open_tiny(tiny).digest()) << pre;
  }
}

TEST(TokenizerDigest, PaddingAndNamesDoNotCount) {
  const Scratch scratch;
  TinyGguf padded(kTiny);
  padded.tokens.push_back("[PAD266]");
  padded.types.push_back(5);
  padded.eos = 'a';
  EXPECT_EQ(padded.open(scratch).digest(), open_tiny().digest());
}

TEST(TokenizerDigest, ChangesWithEverythingThatDecidesIds) {
  std::vector<Json> variants(6, kTiny.tokenizer_json());
  std::swap(variants[1]["model"]["merges"][5], variants[1]["model"]["merges"][6]);
  variants[2]["model"]["ignore_merges"] = true;
  variants[3]["added_tokens"][2]["special"] = true;
  variants[4]["added_tokens"][2]["lstrip"] = true;
  variants[5]["pre_tokenizer"] = variants[5]["pre_tokenizer"]["pretokenizers"][1];
  const Scratch scratch;
  std::set<std::string> digests;
  for (const Json& variant : variants) digests.insert(open_folder(scratch, variant).digest());
  EXPECT_EQ(digests.size(), variants.size());
}

TEST(TokenizerGguf, SmolLm2HasItsKnownProperties) {
  TELORA_REQUIRE_SMOLLM2();
  const Tokenizer tokenizer = Tokenizer::from_gguf(GgufFile(smollm2_file()));
  EXPECT_EQ(tokenizer.size(), 49152);
  EXPECT_EQ(tokenizer.id_of("<|im_start|>"), 1);
  EXPECT_EQ(tokenizer.bos_id(), 1);
  EXPECT_EQ(tokenizer.eos_id(), 2);
  EXPECT_EQ(tokenizer.pad_id(), 2);
  EXPECT_THAT(tokenizer.end_of_turn_ids(), ElementsAre(2));
  EXPECT_FALSE(tokenizer.add_bos());
  EXPECT_TRUE(tokenizer.is_special(16));
  EXPECT_FALSE(tokenizer.is_special(17));
}

}  // namespace
}  // namespace telora
