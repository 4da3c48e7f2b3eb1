// Broken and hostile tokenizer files, by the names of the list of bad inputs: each is refused with
// an Error of kind data that names the field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backbone/tokenizer.h"
#include "core/gguf.h"
#include "tests/backbone/text_support.h"
#include "tests/golden/gguf_writer.h"

namespace telora {
namespace {

using golden::Scratch;
using text_tests::expect_error;
using text_tests::Json;
using text_tests::open_folder;
using text_tests::Tiny;
using text_tests::TinyGguf;
using text_tests::write_text;

const Tiny kTiny;

void expect_refused(const Json& json, std::vector<std::string> parts) {
  const Scratch scratch;
  parts.push_back("tokenizer.json: ");
  expect_error(ErrorKind::kData, parts, [&] { open_folder(scratch, json); });
}

void expect_text_refused(const std::string& text, std::vector<std::string> parts) {
  const Scratch scratch;
  write_text(scratch / "tokenizer.json", text);
  parts.push_back("tokenizer.json");
  expect_error(ErrorKind::kData, parts, [&] { Tokenizer::from_folder(scratch.path()); });
}

// The good file with `change` applied.
Json changed(const std::function<void(Json&)>& change) {
  Json json = kTiny.tokenizer_json();
  change(json);
  return json;
}

TEST(HostileTokenizer, T01TextThatIsNotJson) {
  const std::string good = kTiny.tokenizer_json().dump();
  expect_text_refused("", {});
  expect_text_refused("version https://git-lfs.github.com/spec/v1\n", {"1:1"});
  expect_text_refused(good.substr(0, good.size() / 2), {});
  expect_text_refused(std::string("\xFF\xFE{\0}\0", 6), {});
  expect_text_refused(std::string(100000, '['), {});
  expect_text_refused("{\"model\": " + std::string(100000, '{'), {});
  expect_text_refused("[]", {"an object"});
}

TEST(HostileTokenizer, T02ModelMissingOrOfAnotherKind) {
  expect_refused(changed([](Json& json) { json.erase("model"); }), {"model"});
  expect_refused(changed([](Json& json) { json["model"].erase("type"); }), {"model.type"});
  for (const char* type : {"Unigram", "WordPiece", "WordLevel", "bpe"}) {
    expect_refused(changed([&](Json& json) { json["model"]["type"] = type; }),
                   {"model.type", type, "'BPE'"});
  }
  expect_refused(changed([](Json& json) { json["model"]["type"] = 3; }), {"model.type"});
}

TEST(HostileTokenizer, T03VocabularyIdsThatAreNoIds) {
  for (const Json& id : {Json(-1), Json(1.5), Json("7"), Json(nullptr), Json(true), Json(1 << 30),
                         Json(UINT64_MAX)}) {
    expect_refused(changed([&](Json& json) { json["model"]["vocab"]["a"] = id; }),
                   {"model.vocab[\"a\"]", id.dump()});
  }
  expect_refused(changed([](Json& json) { json["model"]["vocab"]["a"] = 'b'; }),
                 {"model.vocab[\"b\"]", "98"});
  expect_refused(changed([](Json& json) { json["model"]["vocab"].erase("a"); }),
                 {"model.vocab", "no token with id 97"});
  expect_refused(changed([](Json& json) { json["model"]["vocab"] = Json::array({"a"}); }),
                 {"model.vocab"});
  expect_refused(changed([](Json& json) {
                   json["model"]["vocab"].erase("a");
                   json["model"]["vocab"][""] = 'a';
                 }),
                 {"model.vocab[\"\"]", "empty"});
}

TEST(HostileTokenizer, T03TheSameTokenTwice) {
  std::string text = kTiny.tokenizer_json().dump();
  const std::string entry = "\"b\":98";
  text.replace(text.find(entry), entry.size(), "\"a\":98");
  expect_text_refused(text, {"model.vocab.a", "again"});
}

TEST(HostileTokenizer, T04MergeOfATokenThatIsMissing) {
  expect_refused(changed([](Json& json) {
                   json["model"]["merges"][2] = {"he", "xx"};
                 }),
                 {"model.merges[2]", "'xx'"});
}

TEST(HostileTokenizer, T05MergeWhoseResultIsNoToken) {
  const std::string longest(400, 'h');
  expect_refused(changed([](Json& json) {
                   json["model"]["merges"][2] = {"hello", "hello"};
                 }),
                 {"model.merges[2]", "'hellohello'"});
  expect_refused(changed([&](Json& json) {
                   json["model"]["merges"][2] = {longest, longest};
                 }),
                 {"model.merges[2]"});
}

TEST(HostileTokenizer, T06MergeWithoutTwoParts) {
  for (const Json& merge : {Json("hello"), Json("a b c"), Json(" a"), Json("a "), Json("a  b"),
                            Json(""), Json::array({"a"}), Json::array({"a", "b", "c"}),
                            Json::array({"a", 1}), Json(7), Json(nullptr)}) {
    expect_refused(changed([&](Json& json) { json["model"]["merges"][2] = merge; }),
                   {"model.merges[2]"});
  }
  expect_refused(changed([](Json& json) { json["model"]["merges"] = "a b"; }), {"model.merges"});
}

TEST(HostileTokenizer, TheSameMergeTwice) {
  expect_refused(changed([](Json& json) {
                   json["model"]["merges"].push_back({"l", "l"});
                 }),
                 {"model.merges[7]", "model.merges[0]"});
}

TEST(HostileTokenizer, T07UnknownTokenAndDropoutOutOfRange) {
  expect_refused(changed([](Json& json) { json["model"]["unk_token"] = "<unk>"; }),
                 {"model.unk_token", "'<unk>'"});
  expect_refused(changed([](Json& json) { json["model"]["dropout"] = 2.0; }), {"model.dropout"});
  expect_refused(changed([](Json& json) { json["model"]["dropout"] = 0.1; }), {"model.dropout"});
}

TEST(HostileTokenizer, T08PatternInTheFile) {
  const auto split = [](const Json& pattern) {
    return changed([&](Json& json) {
      json["pre_tokenizer"]["pretokenizers"][0] = {
          {"type", "Split"}, {"pattern", pattern}, {"behavior", "Isolated"}, {"invert", false}};
    });
  };
  expect_refused(split({{"Regex", "(a"}}), {"pre_tokenizer", "'(a'"});
  expect_refused(split({{"Regex", "\\w"}}), {"pre_tokenizer", "\\w"});
  expect_refused(split({{"Regex", ""}}), {"pre_tokenizer.pretokenizers[0].pattern"});
  expect_refused(split({{"Glob", "*"}}), {"pre_tokenizer.pretokenizers[0].pattern"});
  const Scratch scratch;
  const Tokenizer tokenizer = open_folder(scratch, split({{"Regex", "(?:a|a|aa)+(?=b)"}}));
  expect_error(ErrorKind::kData, {"tokenizer.json: pre_tokenizer", "steps"},
               [&] { tokenizer.encode(std::string(200, 'a')); });
}

TEST(HostileTokenizer, T09CharsmapThatIsBroken) {
  const auto precompiled = [](const Json& charsmap) {
    return changed([&](Json& json) {
      json["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", charsmap}};
    });
  };
  const std::string field = "normalizer.precompiled_charsmap";
  expect_refused(precompiled("!!!!"), {field, "not base64"});
  expect_refused(precompiled("QUJ"), {field, "not base64"});
  expect_refused(precompiled(""), {field, "0 bytes"});
  expect_refused(precompiled("QUJD"), {field, "3 bytes"});
  expect_refused(precompiled("AAQAAEFCQ0Q="), {field, "1024 bytes in 8"});
  expect_refused(precompiled(nullptr), {field});
}

TEST(HostileTokenizer, T10TemplateThatNamesAMissingToken) {
  const auto processor = [](const Json& special_tokens) {
    return changed([&](Json& json) {
      json["post_processor"] = {{"type", "TemplateProcessing"},
                                {"single",
                                 {{{"SpecialToken", {{"id", "<|go|>"}, {"type_id", 0}}}},
                                  {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
                                {"special_tokens", special_tokens}};
    });
  };
  const auto entry = [](const Json& ids) { return Json{{"id", "<|go|>"}, {"ids", ids}}; };
  expect_refused(processor(Json::object()), {"post_processor.special_tokens", "<|go|>"});
  expect_refused(processor({{"<|go|>", entry({kTiny.end_id()})}}), {"post_processor", "ids"});
  expect_refused(processor({{"<|go|>", entry(Json::array())}}), {"post_processor", "ids"});
  Json unknown = processor({{"<|go|>", entry({kTiny.go_id()})}});
  const Scratch scratch;
  EXPECT_TRUE(open_folder(scratch, unknown).add_bos());
  unknown["post_processor"]["single"][0]["SpecialToken"]["id"] = "<nope>";
  expect_refused(unknown, {"post_processor.single[0].SpecialToken.id", "<nope>"});
}

TEST(HostileTokenizer, T11TruncationAndPaddingThatMakeNoSense) {
  const auto set = [](const std::string& key, const Json& value) {
    return changed([&](Json& json) { json[key] = value; });
  };
  const auto truncation = [&](const Json& length, const Json& stride) {
    return set("truncation", {{"direction", "Right"},
                              {"max_length", length},
                              {"strategy", "LongestFirst"},
                              {"stride", stride}});
  };
  expect_refused(truncation(8, 8), {"truncation.stride", "8"});
  expect_refused(truncation(0, 0), {"truncation.max_length", "0"});
  expect_refused(truncation(8, -1), {"truncation.stride", "-1"});
  expect_refused(set("padding", {{"strategy", {{"Fixed", 0}}}}), {"padding.strategy.Fixed", "0"});
  expect_refused(set("padding", {{"strategy", "Longest"}}), {"padding.strategy", "Longest"});
  const Scratch scratch;  // good ones change nothing: callers ask for them by themselves
  EXPECT_EQ(open_folder(scratch, truncation(1, 0)).encode("abc").size(), 2u);
  EXPECT_NO_THROW(open_folder(scratch, set("padding", {{"strategy", "BatchLongest"}})));
}

TEST(HostileTokenizer, T11StripThatCutsMoreThanThereIs) {
  Json json = kTiny.tokenizer_json();
  json["pre_tokenizer"] = nullptr;
  const auto strip = [&](int start, int stop) {
    json["decoder"] = {
        {"type", "Sequence"},
        {"decoders", {{{"type", "Strip"}, {"content", " "}, {"start", start}, {"stop", stop}}}}};
    return json;
  };
  expect_refused(strip(5, 0), {"decoder.decoders[0].start", "5"});
  expect_refused(strip(1, 1), {"decoder.decoders[0].stop", "1"});
}

TEST(HostileTokenizer, T12AddedTokensThatClash) {
  const auto added = [](size_t index, const std::string& key, const Json& value) {
    return changed([&](Json& json) { json["added_tokens"][index][key] = value; });
  };
  expect_refused(added(1, "id", kTiny.end_id()), {"added_tokens[1]"});
  expect_refused(added(1, "id", 'a'), {"added_tokens[1]", "'a'"});
  expect_refused(added(2, "id", kTiny.tool_id() + 1), {"added_tokens[2]"});
  expect_refused(added(1, "id", -1), {"added_tokens[1].id", "-1"});
  expect_refused(added(1, "id", 1 << 30), {"added_tokens[1].id"});
  expect_refused(added(1, "content", ""), {"added_tokens[1]", "empty content"});
  expect_refused(added(1, "content", "<|end|>"), {"added_tokens[1]", "'<|end|>'"});
  expect_refused(added(1, "content", "a"), {"added_tokens[1]", "97"});
  expect_refused(added(1, "content", std::string(2000, 'x')), {"added_tokens[1]", "2000 bytes"});
  expect_refused(added(1, "content", 5), {"added_tokens[1].content"});
}

TEST(HostileTokenizer, T12AGapBeforeAnAddedToken) {
  Json json = kTiny.tokenizer_json();
  json["model"]["vocab"].erase("Ġhello");
  json["model"]["merges"].erase(4);
  json["model"]["vocab"]["ba"] = kTiny.merge_id(4);
  expect_refused(json, {"added_tokens[0]", std::to_string(kTiny.merge_id(6))});
}

TEST(HostileTokenizer, WhatWouldChangeIdsIsRefusedByName) {
  const auto set = [](const std::string& pointer, const Json& value) {
    return changed([&](Json& json) { json[Json::json_pointer(pointer)] = value; });
  };
  expect_refused(set("/normalizer", {{"type", "NFKC"}}), {"normalizer.type", "'NFKC'"});
  expect_refused(set("/model/byte_fallback", true), {"model.byte_fallback", "true"});
  expect_refused(set("/model/end_of_word_suffix", "</w>"), {"model.end_of_word_suffix", "</w>"});
  expect_refused(set("/model/continuing_subword_prefix", "##"), {"continuing_subword_prefix"});
  expect_refused(set("/model/cache", 7), {"model.cache", "unknown key"});
  expect_refused(set("/decoder", {{"type", "WordPiece"}}), {"decoder.type", "'WordPiece'"});
  expect_refused(set("/pre_tokenizer", nullptr), {"decoder.type", "ByteLevel"});
  expect_refused(set("/pre_tokenizer", {{"type", "Metaspace"}}), {"pre_tokenizer.replacement"});
  expect_refused(set("/pre_tokenizer/pretokenizers/0", {{"type", "Punctuation"}}),
                 {"pre_tokenizer.pretokenizers[0].type", "'Punctuation'"});
  expect_refused(set("/pre_tokenizer/pretokenizers/1/add_prefix_space", true),
                 {"pretokenizers[1].add_prefix_space"});
  expect_refused(changed([](Json& json) { json["pre_tokenizer"]["pretokenizers"].erase(1); }),
                 {"decoder.type", "must belong together"});
}

void expect_gguf_refused(const TinyGguf& file, std::vector<std::string> parts) {
  const Scratch scratch;
  parts.push_back("tiny.gguf: ");
  expect_error(ErrorKind::kData, parts, [&] { file.open(scratch); });
}

TEST(HostileTokenizer, G23ListsOfDifferentLengths) {
  TinyGguf types(kTiny);
  types.types.pop_back();
  expect_gguf_refused(types, {"tokenizer.ggml.token_type", "265", "266"});
  TinyGguf scores(kTiny);
  scores.scores = {1, 2, 3};
  expect_gguf_refused(scores, {"tokenizer.ggml.scores", "3 entries"});
  TinyGguf empty(kTiny);
  empty.tokens.clear();
  empty.types.clear();
  expect_gguf_refused(empty, {"tokenizer.ggml.tokens", "0 tokens"});
}

TEST(HostileTokenizer, G23ListsOfTheWrongKind) {
  for (const std::string key : {"tokens", "token_type", "merges"}) {
    golden::GgufWriter writer;
    writer.set_string("tokenizer.ggml.model", "gpt2");
    writer.set_string("tokenizer.ggml.pre", "smollm");
    for (const std::string other : {"tokens", "token_type", "merges"}) {
      const bool texts = (other == "token_type") == (other == key);
      const std::string name = "tokenizer.ggml." + other;
      texts ? writer.set_strings(name, {"a"}) : writer.set_u32s(name, {1});
    }
    const Scratch scratch;
    writer.write(scratch / "wrong.gguf");
    expect_error(ErrorKind::kData, {"wrong.gguf: tokenizer.ggml." + key},
                 [&] { Tokenizer::from_gguf(GgufFile(scratch / "wrong.gguf")); });
  }
}

TEST(HostileTokenizer, G23TokenTypesAndTokensOutOfRange) {
  for (const uint32_t type : {0u, 7u, 4000000000u}) {
    TinyGguf file(kTiny);
    file.types[5] = type;
    expect_gguf_refused(file, {"tokenizer.ggml.token_type[5]", std::to_string(type)});
  }
  TinyGguf twice(kTiny);
  twice.tokens[98] = "a";
  expect_gguf_refused(twice, {"tokenizer.ggml.tokens[98]", "token 97"});
  TinyGguf empty(kTiny);
  empty.tokens[98] = "";
  expect_gguf_refused(empty, {"tokenizer.ggml.tokens[98]", "0 bytes"});
}

TEST(HostileTokenizer, G23MergesThatDoNotFit) {
  for (const std::string merge : {"l", "l l l", "l xx", "hello hello"}) {
    TinyGguf file(kTiny);
    file.merges[1] = merge;
    expect_gguf_refused(file, {"tokenizer.ggml.merges[1]"});
  }
}

TEST(HostileTokenizer, G24ByteTokensThatAreNoBytes) {
  for (const std::string token : {"<0x-1>", "<0xZZ>", "<0x123>", "0x41"}) {
    TinyGguf file(kTiny);
    file.tokens[9] = token;
    file.types[9] = 6;
    expect_gguf_refused(file, {"tokenizer.ggml.tokens[9]", token});
  }
  TinyGguf file(kTiny);
  file.tokens[9] = "<0x41>";
  file.types[9] = 6;
  expect_gguf_refused(file, {"tokenizer.ggml.token_type[9]", "6 (byte)"});
}

TEST(HostileTokenizer, G25NamedTokensOutOfRange) {
  TinyGguf eos(kTiny);
  eos.eos = static_cast<uint32_t>(eos.tokens.size());
  expect_gguf_refused(eos, {"tokenizer.ggml.eos_token_id", "266"});
  TinyGguf bos(kTiny);
  bos.bos = UINT32_MAX;
  expect_gguf_refused(bos, {"tokenizer.ggml.bos_token_id", "4294967295"});
}

TEST(HostileTokenizer, GgufTokenizersOfOtherKindsAreRefusedByName) {
  TinyGguf sentencepiece(kTiny);
  sentencepiece.model = "t5";
  expect_gguf_refused(sentencepiece, {"tokenizer.ggml.model", "'t5'", "SentencePiece BPE"});
  TinyGguf none(kTiny);
  none.model = "no_vocab";
  expect_gguf_refused(none, {"tokenizer.ggml.model", "no_vocab"});
  TinyGguf pre(kTiny);
  pre.pre = "qwen3";
  expect_gguf_refused(pre, {"tokenizer.ggml.pre", "'qwen3'", "did you mean 'qwen2'"});
}

TEST(HostileTokenizer, GgufWithoutATokenizerNamesTheKey) {
  golden::GgufWriter writer;
  writer.set_string("general.architecture", "llama");
  const Scratch scratch;
  writer.write(scratch / "bare.gguf");
  expect_error(ErrorKind::kData, {"bare.gguf: tokenizer.ggml.model"},
               [&] { Tokenizer::from_gguf(GgufFile(scratch / "bare.gguf")); });
}

}  // namespace
}  // namespace telora
