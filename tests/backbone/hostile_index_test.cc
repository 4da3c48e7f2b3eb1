// Indices of sharded models.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/document.h"
#include "core/files.h"
#include "core/safetensors.h"
#include "tests/backbone/failure.h"
#include "tests/golden/model_files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::Scratch;
using Json = nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A sharded folder whose index is changed; the weight_map entry has to be named.
class HostileIndex : public testing::Test {
 protected:
  HostileIndex() { golden::write_folder(scratch_ / "hf", spec_, golden::tiny_weights(spec_), 2); }
  Failure with(const std::string& patch) {
    const auto path = scratch_ / "hf/model.safetensors.index.json";
    Json index = Json::parse(read_text(path));
    index.merge_patch(Json::parse(patch));
    publish(path, to_json(index));
    return failure_of(scratch_ / "hf");
  }
  const DecoderSpec spec_ = golden::tiny_llama();
  const Scratch scratch_;
};

TEST_F(HostileIndex, MissingShard) {
  const Failure failure =
      with(R"({"weight_map": {"model.norm.weight": "model-00003-of-00003.safetensors"}})");
  EXPECT_EQ(failure.kind, ErrorKind::kMissing);
  EXPECT_THAT(failure.message, AllOf(HasSubstr("index.json"), HasSubstr("model.norm.weight"),
                                     HasSubstr("model-00003-of-00003.safetensors")));
}

TEST_F(HostileIndex, PathOutOfTheFolder) {
  for (const char* name : {"../x.safetensors", "/etc/passwd", "a/b.safetensors", "x.bin", ""}) {
    const Failure failure =
        with(fmt::format(R"({{"weight_map": {{"model.norm.weight": "{}"}}}})", name));
    EXPECT_EQ(failure.kind, ErrorKind::kData) << name;
    EXPECT_THAT(failure.message, HasSubstr("weight_map.model.norm.weight")) << name;
  }
}

TEST_F(HostileIndex, VeryLongName) {
  const std::string name(5000, 'x');
  const Failure failure =
      with(fmt::format(R"({{"weight_map": {{"model.norm.weight": "{}.safetensors"}}}})", name));
  EXPECT_THAT(failure.message, HasSubstr("weight_map.model.norm.weight"));
}

TEST_F(HostileIndex, TensorNotInItsShard) {
  const Failure failure =
      with(R"({"weight_map": {"stray.weight": "model-00001-of-00002.safetensors"}})");
  EXPECT_THAT(failure.message, HasSubstr("weight_map.stray.weight"));
}

TEST_F(HostileIndex, TensorOfAShardNotMapped) {
  const Failure failure = with(R"({"weight_map": {"model.norm.weight": null}})");
  EXPECT_THAT(failure.message,
              AllOf(HasSubstr("weight_map.model.norm.weight"), HasSubstr("no entry")));
}

// The index says one shard, another one holds the tensor too.
TEST_F(HostileIndex, TensorInTwoShards) {
  const SafetensorsFile second(scratch_ / "hf/model-00002-of-00002.safetensors");
  const std::string name = second.entries().front().name;
  std::filesystem::copy_file(scratch_ / "hf/model-00002-of-00002.safetensors",
                             scratch_ / "hf/model-00003-of-00003.safetensors");
  const Failure failure =
      with(fmt::format(R"({{"weight_map": {{"{}": "model-00003-of-00003.safetensors"}}}})", name));
  EXPECT_EQ(failure.kind, ErrorKind::kData);
  EXPECT_THAT(failure.message, AllOf(HasSubstr("index.json"), HasSubstr("weight_map."),
                                     HasSubstr("which holds this tensor")));
}

TEST_F(HostileIndex, OneTensorTwiceInTheIndex) {
  const auto path = scratch_ / "hf/model.safetensors.index.json";
  publish(path, R"({"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}})");
  EXPECT_THAT(failure_of(scratch_ / "hf").message,
              AllOf(HasSubstr("index.json"), HasSubstr("weight_map.a")));
}

TEST_F(HostileIndex, NoJsonAtAll) {
  const auto path = scratch_ / "hf/model.safetensors.index.json";
  const std::string whole = read_text(path);
  for (const std::string& text :
       {whole.substr(0, whole.size() / 2), std::string("[]"), std::string()}) {
    publish(path, text);
    EXPECT_EQ(failure_of(scratch_ / "hf").kind, ErrorKind::kData);
    EXPECT_THAT(failure_of(scratch_ / "hf").message, HasSubstr("index.json"));
  }
}

TEST_F(HostileIndex, DamagedShard) {
  std::filesystem::resize_file(scratch_ / "hf/model-00002-of-00002.safetensors", 3000);
  const Failure failure = failure_of(scratch_ / "hf");
  EXPECT_EQ(failure.kind, ErrorKind::kData);
  EXPECT_THAT(failure.message, AllOf(HasSubstr("model-00002-of-00002.safetensors: file size"),
                                     HasSubstr("truncated")));
}

TEST_F(HostileIndex, NotAnObject) {
  EXPECT_THAT(with(R"({"weight_map": 3})").message, HasSubstr("weight_map"));
}

}  // namespace
}  // namespace telora
