// Adapters that do not mean what they should: each is refused, with the place in the message.
#include <fmt/format.h>

#include <limits>

#include "backbone/torch.h"
#include "tests/adapters/support.h"
#include "tests/golden/scratch.h"

namespace telora::testing {
namespace {

using golden::Scratch;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kConfig = "adapter_config.json";
constexpr const char* kWeights = "adapter_model.safetensors";
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

std::string refused(const NamedTensors& tensors, const std::vector<std::string>& parts,
                    const std::string& config = config_text()) {
  const Scratch scratch;
  write_tensors(scratch / kWeights, tensors);
  write_text(scratch / kConfig, config);
  return expect_error(ErrorKind::kData, parts, [&] { read_adapter(scratch.path(), tiny_base()); });
}

NamedTensors with(const std::string& name, const at::Tensor& tensor) {
  NamedTensors tensors = good_tensors();
  tensors[name] = tensor;
  return tensors;
}

NamedTensors without(const std::string& name) {
  NamedTensors tensors = good_tensors();
  EXPECT_EQ(tensors.erase(name), 1);
  return tensors;
}

const std::string kA = attention_name(1, "q_proj.lora_A.weight");
const std::string kB = attention_name(1, "q_proj.lora_B.weight");

TEST(HostileAdapter, TheUnspoiltOneIsAccepted) {
  const Scratch scratch;
  write_tensors(scratch / kWeights, good_tensors());
  write_text(scratch / kConfig, config_text());
  EXPECT_EQ(read_adapter(scratch.path(), tiny_base()).modules.size(), 4);
}

TEST(HostileAdapter, NotANumberNamesTheFirstPlaceAndTheCount) {
  for (const at::ScalarType type : {at::kFloat, at::kHalf, at::kBFloat16}) {
    at::Tensor a = good_tensors().at(kA).clone();
    a[2][5] = kNan;
    a[3][0] = kInf;
    a[3][1] = -kInf;
    refused(with(kA, a.to(type)), {kWeights, kA, "3 values", "nan at [2, 5]"});
  }
}

TEST(HostileAdapter, InfinityInB) {
  at::Tensor b = good_tensors().at(kB).clone();
  b[15][3] = -kInf;
  refused(with(kB, b), {kB, "1 values", "-inf at [15, 3]"});
}

TEST(HostileAdapter, AWithoutBAndBWithoutA) {
  refused(without(kB), {"model.layers.1.self_attn.q_proj: found A without B"});
  refused(without(kA), {"model.layers.1.self_attn.q_proj: found B without A"});
}

TEST(HostileAdapter, RanksOfAAndBDiffer) {
  refused(with(kB, torch::zeros({16, 3})),
          {"layers.1.self_attn.q_proj: found rank 4 in A and 3 in B"});
}

TEST(HostileAdapter, ShapesOfAnotherBase) {
  refused(with(kA, torch::zeros({4, 32})),
          {kA, "shape [4, 32]", "[rank, 16]", "another base model", "'org/tiny-base'"});
  refused(with(kB, torch::zeros({24, 4})),
          {kB, "shape [24, 4]", "[16, rank]", "another base model"});
}

TEST(HostileAdapter, MoreOrFewerDimensionsThanTwo) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{64}, {2, 4, 16}, {}, {0, 16}, {4, 0}}) {
    refused(with(kA, torch::zeros(shape)), {kA, "shape [", "two dimensions, none of them 0"});
  }
}

TEST(HostileAdapter, TypesThatAreNoWeights) {
  refused(with(kA, torch::zeros({4, 16}, at::kLong)), {kA, "dtype I64", "F32, F16 or BF16"});
  refused(with(kA, torch::zeros({4, 16}, at::kDouble)), {kA, "dtype F64"});
}

TEST(HostileAdapter, AModuleThatTheBaseDoesNotHave) {
  const std::string name = attention_name(7, "q_proj.lora_A.weight");
  refused(with(name, torch::zeros({4, 16})), {name, "does not have", "another base model"});
}

TEST(HostileAdapter, RankOtherThanTheConfigs) {
  refused(good_tensors(),
          {"q_proj.lora_A.weight: found rank 4, want 8, as r of adapter_config.json says"},
          config_text({{"r", "8"}}));
  refused(
      good_tensors(),
      {"layers.1.self_attn.v_proj.lora_A.weight", "want 2, as rank_pattern.layers.1.*v_proj of"},
      config_text({{"rank_pattern", R"({"layers.1.*v_proj": 2})"}}));
}

TEST(HostileAdapter, RankAboveTheSmallerSide) {
  NamedTensors tensors;
  for (int layer = 0; layer < 2; ++layer) {
    tensors[attention_name(layer, "k_proj.lora_A.weight")] = torch::zeros({9, 16});
    tensors[attention_name(layer, "k_proj.lora_B.weight")] = torch::zeros({8, 9});
  }
  refused(tensors, {"k_proj.lora_A.weight", "rank 9", "min(in, out) = 8"},
          config_text({{"r", "9"}, {"target_modules", R"(["k_proj"])"}}));
}

TEST(HostileAdapter, TensorsThatAreNoPartOfPlainLora) {
  const std::pair<std::string, std::string> cases[] = {
      {attention_name(0, "q_proj.lora_magnitude_vector"), "DoRA"},
      {attention_name(0, "q_proj.lora_B.bias"), "bias"},
      {attention_name(0, "q_proj.base_layer.weight"), "base model"},
      {attention_name(0, "q_proj.lora_C.weight"), "unknown tensor"},
      {attention_name(0, "q_proj.lora_A.other.weight"), "unknown tensor"},
      {"base_model.model.model.embed_tokens.lora_embedding_A", "embedding"},
      {"base_model.model.lm_head.weight", "unknown tensor"},
      {"model.layers.0.self_attn.q_proj.lora_A.weight", "prefix"},
      {"base_model.model..lora_A.weight", "unknown tensor"},
      {"base_model.model.lora_A.weight", "unknown tensor"},
      {"lora_A.weight", "prefix"},
      {"x\x1b[31m\n", "x\\x1b[31m\\n"},
  };
  for (const auto& [name, part] : cases)
    refused(with(name, torch::zeros({4, 16})), {part, kWeights});
}

// The four modules of good_tensors() with magnitudes, as a DoRA adapter.
NamedTensors dora_tensors() {
  NamedTensors tensors = good_tensors();
  for (int layer = 0; layer < 2; ++layer) {
    tensors[attention_name(layer, "q_proj.lora_magnitude_vector")] = torch::ones({16});
    tensors[attention_name(layer, "v_proj.lora_magnitude_vector")] = torch::ones({8});
  }
  return tensors;
}

const std::string kMagnitude = attention_name(1, "q_proj.lora_magnitude_vector");
const std::string kDora = config_text({{"use_dora", "true"}});

TEST(HostileAdapter, DoraIsReadWithItsMagnitudes) {
  const Scratch scratch;
  write_tensors(scratch / kWeights, dora_tensors());
  write_text(scratch / kConfig, kDora);
  for (const LoraTensors& tensors : read_adapter(scratch.path(), tiny_base()).modules) {
    EXPECT_EQ(tensors.magnitude.sizes(), tensors.b.sizes().slice(0, 1)) << tensors.module;
  }
}

TEST(HostileAdapter, DoraWithoutMagnitudes) {
  refused(good_tensors(), {"4 problems", "q_proj: found no lora_magnitude_vector", "use_dora"},
          kDora);
  NamedTensors tensors = dora_tensors();
  tensors.erase(kMagnitude);
  refused(tensors, {"layers.1.self_attn.q_proj: found no lora_magnitude_vector"}, kDora);
}

TEST(HostileAdapter, MagnitudesWithoutDora) {
  refused(dora_tensors(), {"4 problems", "magnitudes of DoRA", "use_dora is false"});
}

TEST(HostileAdapter, MagnitudesThatDoNotFit) {
  NamedTensors tensors = dora_tensors();
  tensors[kMagnitude] = torch::ones({1, 16});
  refused(tensors, {kMagnitude, "shape [1, 16]", "[16]"}, kDora);
  tensors[kMagnitude] = torch::ones({8});
  refused(tensors, {kMagnitude, "shape [8]", "[16]"}, kDora);
  tensors[kMagnitude] = torch::ones({16}, at::kLong);
  refused(tensors, {kMagnitude, "dtype I64"}, kDora);
  tensors[kMagnitude] = torch::ones({16});
  tensors[kMagnitude][7] = kNan;
  refused(tensors, {kMagnitude, "1 values", "nan at [7]"}, kDora);
}

TEST(HostileAdapter, MagnitudesAlone) {
  NamedTensors tensors = dora_tensors();
  tensors.erase(kA);
  tensors.erase(kB);
  refused(tensors, {"layers.1.self_attn.q_proj: found magnitudes without A and B"}, kDora);
}

TEST(HostileAdapter, EmbeddingAndHeadAreNamed) {
  NamedTensors tensors = good_tensors();
  tensors["base_model.model.lm_head.lora_A.weight"] = torch::zeros({4, 16});
  refused(tensors, {"lm_head.lora_A.weight", "output head"});
}

TEST(HostileAdapter, TheSameMatrixTwice) {
  const std::string other = attention_name(1, "q_proj.lora_A.default.weight");
  refused(with(other, torch::zeros({4, 16})), {"a second tensor", kA, other});
}

TEST(HostileAdapter, ASelectedModuleWithoutTensors) {
  refused(good_tensors(),
          {"model.layers.0.self_attn.o_proj: found no tensors", "target_modules selects it"},
          config_text({{"target_modules", R"(["q_proj", "v_proj", "o_proj"])"}}));
}

TEST(HostileAdapter, TensorsOfAModuleThatIsNotSelected) {
  refused(good_tensors(), {"model.layers.0.self_attn.v_proj: found tensors", "does not select it"},
          config_text({{"target_modules", R"(["q_proj"])"}}));
}

TEST(HostileAdapter, NoModuleSelectedAtAll) {
  refused(good_tensors(), {"target_modules does not select it"},
          config_text({{"target_modules", R"(["gate"])"}}));
}

TEST(HostileAdapter, AllProblemsAreInOneMessage) {
  NamedTensors tensors = without(kB);
  tensors["junk"] = torch::zeros({1});
  tensors[attention_name(0, "v_proj.lora_A.weight")] = torch::zeros({4, 5});
  tensors[attention_name(9, "v_proj.lora_A.weight")] = torch::zeros({4, 16});
  refused(tensors,
          {"4 problems", "[1] ", "[4] ", "junk", "A without B", "shape [4, 5]", "layers.9"});
}

TEST(HostileAdapter, ALongListIsCutAndCounted) {
  NamedTensors tensors = good_tensors();
  const std::string long_name(900, 'x');
  for (int i = 0; i < 1000; ++i) tensors[fmt::format("{}.{}", i, long_name)] = torch::zeros({1});
  const std::string message =
      refused(tensors, {"1000 problems", "[12] ", "and 988 more", "another base model"});
  EXPECT_THAT(message, Not(HasSubstr("[13] ")));
  EXPECT_LT(message.size(), 4000);
}

TEST(HostileAdapter, AContainerWithoutTensors) { refused({}, {kWeights, "no tensors"}); }

TEST(HostileAdapter, TheBaseModelInTheAdaptersPlace) {
  refused({{"model.layers.0.self_attn.q_proj.weight", torch::zeros({16, 16})}},
          {"prefix", "A and B"});
}

TEST(HostileAdapter, AnAdapterForNoModuleOfTheBase) {
  const Scratch scratch;
  write_tensors(scratch / kWeights, good_tensors());
  write_text(scratch / kConfig, config_text());
  expect_error(ErrorKind::kData, {"9 problems", "another base model"}, [&] {
    read_adapter(scratch.path(), {{"model.layers.0.mlp.up_proj", 16, 24}});
  });
  expect_error(ErrorKind::kData, {"another base model"}, [&] { read_adapter(scratch.path(), {}); });
}

TEST(HostileAdapter, APickleIsNotOpened) {
  const Scratch scratch;
  write_text(scratch / kConfig, config_text());
  write_text(scratch / "adapter_model.bin", "\x80\x02}q\x01.");
  expect_error(ErrorKind::kData, {"adapter_model.bin", "pickle", "convert it to safetensors"},
               [&] { read_adapter(scratch.path(), tiny_base()); });
  write_tensors(scratch / kWeights, good_tensors());
  EXPECT_EQ(read_adapter(scratch.path(), tiny_base()).modules.size(), 4);
}

TEST(HostileAdapter, AFileInTheFoldersPlace) {
  const Scratch scratch;
  write_text(scratch / "adapter.gguf", "GGUF");
  expect_error(ErrorKind::kData, {"adapter.gguf: found a file", "PEFT folder", "converted from"},
               [&] { read_adapter(scratch / "adapter.gguf", tiny_base()); });
  expect_error(ErrorKind::kData, {"adapter.gguf: found a file"},
               [&] { read_adapter(scratch / "adapter.gguf"); });
}

TEST(HostileAdapter, MissingFiles) {
  const Scratch scratch;
  expect_error(ErrorKind::kMissing, {kConfig}, [&] { read_adapter(scratch.path(), tiny_base()); });
  expect_error(ErrorKind::kMissing, {kConfig},
               [&] { read_adapter(scratch / "absent", tiny_base()); });
  write_text(scratch / kConfig, config_text());
  expect_error(ErrorKind::kMissing, {kWeights}, [&] { read_adapter(scratch.path(), tiny_base()); });
}

TEST(HostileAdapter, ContainersThatAreCutAreRefused) {
  const Scratch scratch;
  write_tensors(scratch / kWeights, good_tensors());
  write_text(scratch / kConfig, config_text());
  const std::string whole = read_bytes(scratch / kWeights);
  for (size_t length = 0; length < whole.size(); length += 1 + whole.size() / 50) {
    write_text(scratch / kWeights, whole.substr(0, length));
    expect_error(ErrorKind::kData, {kWeights}, [&] { read_adapter(scratch.path(), tiny_base()); });
  }
}

TEST(HostileAdapter, ConfigsThatAreNoJsonObjects) {
  for (const char* text : {"", "{", "[]", "null", R"({"r": 4, "r": 8})", "{\"r\": 4}x", "\xff"}) {
    refused(good_tensors(), {kConfig}, text);
  }
  refused(good_tensors(), {kConfig}, std::string(100000, '['));
  refused(good_tensors(), {kConfig, "4194304"}, std::string((4 << 20) + 1, ' '));
}

// Patterns on which a backtracking engine takes longer than the age of the world.
TEST(HostileAdapter, CatastrophicPatternsAreDecidedAtOnce) {
  for (const char* pattern : {R"("(a|a|.)*(.*.*.*)*![?]")", R"("(([a-z._0-9]+)+)+$Z")",
                              R"("(.*){1,30}(.+)+(\w|\w\w)+x{9}")"}) {
    for (const char* key : {"target_modules", "exclude_modules"}) {
      const double start = cpu_seconds();
      const Scratch scratch;
      write_tensors(scratch / kWeights, good_tensors());
      write_text(scratch / kConfig, config_text({{key, pattern}}));
      try {
        read_adapter(scratch.path(), tiny_base());
        EXPECT_STREQ(key, "exclude_modules") << pattern;  // none is excluded
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kData) << error.what();
      }
      EXPECT_LT(cpu_seconds() - start, 1) << pattern;
    }
  }
  const std::string nested = R"({"(([a-z._0-9]+)+)+$Z": 2})";
  const double start = cpu_seconds();
  refused(good_tensors(), {"r"}, config_text({{"rank_pattern", nested}, {"r", "3"}}));
  EXPECT_LT(cpu_seconds() - start, 1);
}

TEST(HostileAdapter, APatternThatCannotBeDecided) {
  refused(good_tensors(), {"target_modules", "back-references"},
          config_text({{"target_modules", R"("(.*)\\1q_proj")"}}));
  refused(good_tensors(), {"does not select it"},
          config_text({{"target_modules", R"(".*(\\w+\\.?)+[!?]")"}}));
}

}  // namespace
}  // namespace telora::testing
