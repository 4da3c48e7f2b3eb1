#include "adapters/lora_config.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/adapters/support.h"

namespace telora::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

LoraConfig parse(const std::string& text) {
  return parse_lora_config(Document::parse_json(text, "adapter_config.json"));
}

std::vector<std::string> targets(const LoraConfig& config) {
  std::vector<std::string> names;
  for (const ModuleShape& shape : tiny_base()) {
    if (is_target(config, shape.name)) names.push_back(shape.name);
  }
  return names;
}

class PeftConfig : public ::testing::TestWithParam<const char*> {
 protected:
  std::string text() const { return read_bytes(peft_folder(GetParam()) / "adapter_config.json"); }
};

TEST_P(PeftConfig, RankAndScaleOfEachModuleAreThoseThatPeftUses) {
  const LoraConfig config = parse(text());
  const auto expected =
      nlohmann::json::parse(read_bytes(peft_folder(GetParam()) / "expected.json"));
  EXPECT_EQ(targets(config).size(), expected.size());
  for (const auto& [module, values] : expected.items()) {
    EXPECT_TRUE(is_target(config, module)) << module;
    EXPECT_EQ(lora_rank(config, module), values["rank"].get<int64_t>()) << module;
    EXPECT_DOUBLE_EQ(lora_scale(config, module), values["scale"].get<double>()) << module;
  }
}

TEST_P(PeftConfig, IsWrittenAgainByteForByte) {
  EXPECT_EQ(lora_config_json(parse(text())), text());
}

INSTANTIATE_TEST_SUITE_P(Written, PeftConfig,
                         ::testing::Values("plain", "patterns", "all_linear_bf16", "regex",
                                           "dora"));

TEST(LoraConfig, ReadsEveryField) {
  const LoraConfig config = parse(config_text({{"lora_alpha", "12.5"},
                                               {"lora_dropout", "0.1"},
                                               {"use_rslora", "true"},
                                               {"rank_pattern", R"({"b": 3, "a": 2})"},
                                               {"alpha_pattern", R"({"x.*": 0.5})"},
                                               {"exclude_modules", R"(["o_proj"])"},
                                               {"layers_to_transform", "[1, 2]"},
                                               {"layers_pattern", R"("layers")"}}));
  EXPECT_EQ(config.rank, 4);
  EXPECT_EQ(config.alpha, 12.5);
  EXPECT_EQ(config.dropout, 0.1);
  EXPECT_TRUE(config.use_rslora);
  EXPECT_THAT(config.target_modules, ElementsAre("q_proj", "v_proj"));
  EXPECT_THAT(config.rank_pattern, ElementsAre(Pair("b", 3), Pair("a", 2)));
  EXPECT_THAT(config.alpha_pattern, ElementsAre(Pair("x.*", 0.5)));
  EXPECT_THAT(config.exclude_modules, ElementsAre("o_proj"));
  EXPECT_THAT(config.layers, ElementsAre(1, 2));
  EXPECT_THAT(config.layers_pattern, ElementsAre("layers"));
  EXPECT_EQ(config.base_model, "org/tiny-base");
}

TEST(LoraConfig, OptionsOfOlderFilesMayBeAbsent) {
  const LoraConfig config = parse(config_text());
  EXPECT_FALSE(config.use_rslora);
  EXPECT_EQ(config.dropout, 0);
  EXPECT_THAT(config.rank_pattern, IsEmpty());
}

TEST(LoraConfig, ScaleOfRslora) {
  LoraConfig config = parse(config_text());
  EXPECT_DOUBLE_EQ(lora_scale(config, "model.q_proj"), 2);
  config.use_rslora = true;
  EXPECT_DOUBLE_EQ(lora_scale(config, "model.q_proj"), 4);
}

TEST(LoraConfig, TheFirstPatternThatMatchesCounts) {
  LoraConfig config;
  config.rank_pattern = {{"layers\\.0\\..*", 2}, {"q_proj", 5}};
  EXPECT_EQ(lora_rank(config, "model.layers.0.q_proj"), 2);
  EXPECT_EQ(rank_field(config, "model.layers.0.q_proj"), "rank_pattern.layers\\.0\\..*");
  EXPECT_EQ(lora_rank(config, "model.layers.1.q_proj"), 5);
  EXPECT_EQ(lora_rank(config, "model.layers.1.v_proj"), config.rank);
  EXPECT_EQ(rank_field(config, "model.layers.1.v_proj"), "r");
}

TEST(LoraConfig, PatternsKeepTheirOrderInTheFile) {
  LoraConfig config = parse(config_text());
  config.rank_pattern = {{"z", 2}, {"a", 5}};
  EXPECT_EQ(parse(lora_config_json(config)).rank_pattern, config.rank_pattern);
}

TEST(LoraConfig, ListedNamesMatchWholeOrAfterADot) {
  LoraConfig config;
  config.target_modules = {"q_proj", "mlp.up_proj", "model.layers.1.self_attn.o_proj"};
  EXPECT_THAT(targets(config),
              ElementsAre("model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj",
                          "model.layers.1.self_attn.q_proj", "model.layers.1.self_attn.o_proj",
                          "model.layers.1.mlp.up_proj"));
  EXPECT_FALSE(is_target(config, "model.my_q_proj"));
}

TEST(LoraConfig, AllLinearMeansEveryLinearButTheHead) {
  for (const char* text : {R"("all-linear")", R"("All-Linear")"}) {
    const LoraConfig config = parse(config_text({{"target_modules", text}}));
    EXPECT_EQ(targets(config).size(), tiny_base().size());
    EXPECT_FALSE(is_target(config, "lm_head"));
  }
}

TEST(LoraConfig, ExclusionWins) {
  LoraConfig config;
  config.target_regex = "all-linear";
  config.exclude_modules = {"mlp.up_proj", "self_attn"};
  EXPECT_FALSE(is_target(config, "model.layers.0.mlp.up_proj"));
  EXPECT_TRUE(
      is_target(config, "model.layers.0.self_attn.q_proj"));  // a list names modules, not parents
  config.exclude_regex = ".*self_attn.*";
  EXPECT_FALSE(is_target(config, "model.layers.0.self_attn.q_proj"));
}

TEST(LoraConfig, LayersRestrictListedNames) {
  LoraConfig config;
  config.target_modules = {"q_proj", "model.layers.0.self_attn.o_proj"};
  config.layers = {1};
  EXPECT_THAT(
      targets(config),
      ElementsAre("model.layers.0.self_attn.o_proj",  // full names stand above the restriction
                  "model.layers.1.self_attn.q_proj"));
}

TEST(LoraConfig, TheLayerIsTheFirstNumberAfterTwoNames) {
  LoraConfig config;
  config.target_modules = {"w"};
  config.layers = {3};
  EXPECT_TRUE(is_target(config, "model.layers.3.experts.7.w"));
  EXPECT_FALSE(is_target(config, "model.layers.7.experts.3.w"));
  EXPECT_FALSE(is_target(config, "layers.3.w"));
  EXPECT_FALSE(is_target(config, "model.layers.w"));
  EXPECT_FALSE(is_target(config, "model.layers.99999999999999999999.w"));
}

TEST(LoraConfig, LayersPatternNamesTheList) {
  LoraConfig config;
  config.target_modules = {"w"};
  config.layers = {3};
  config.layers_pattern = {"blocks", "experts"};
  EXPECT_TRUE(is_target(config, "model.layers.7.experts.3.w"));
  EXPECT_TRUE(is_target(config, "experts.3.w"));
  EXPECT_FALSE(is_target(config, "model.layers.3.w"));
}

struct Refusal {
  const char* key;
  const char* value;
  const char* part;  // of the message, beside the key
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.key << ": " << refusal.value;
}

class RefusedConfig : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedConfig, NamesTheField) {
  const auto& [key, value, part] = GetParam();
  expect_error(ErrorKind::kData, {std::string("adapter_config.json: ") + key, part},
               [&, key = key, value = value] {
                 parse(config_text({{key, value}}));
               });
}

INSTANTIATE_TEST_SUITE_P(
    Variants, RefusedConfig,
    ::testing::Values(
        Refusal{"peft_type", R"("ADALORA")", "LORA"}, Refusal{"peft_type", "null", "LORA"},
        Refusal{"peft_type", "", "LORA"}, Refusal{"task_type", R"("SEQ_CLS")", "CAUSAL_LM"},
        Refusal{"bias", R"("lora_only")", "none"},
        Refusal{"use_dora", R"("false")", "true or false"},
        Refusal{"use_dora", "1", "true or false"}, Refusal{"lora_bias", "true", "bias"},
        Refusal{"modules_to_save", R"(["lm_head"])", "lm_head"},
        Refusal{"trainable_token_indices", "[1]", "embedding"},
        Refusal{"layer_replication", "[[0, 4]]", "copies"},
        Refusal{"target_parameters", R"(["w"])", "parameters"},
        Refusal{"fan_in_fan_out", "true", "input by output"},
        Refusal{"alora_invocation_tokens", "[1]", "activated LoRA"},
        Refusal{"use_qalora", "true", "QALoRA"},
        Refusal{"use_bdlora", R"({"nblocks": 2})", "block"},
        Refusal{"arrow_config", R"({"top_k": 1})", "Arrow"},
        Refusal{"corda_config", R"({"a": 1})", "CorDA"},
        Refusal{"eva_config", R"({"a": 1})", "EVA"}, Refusal{"kasa_config", R"({"a": 1})", "KaSA"},
        Refusal{"lora_ga_config", R"({"a": 1})", "LoRA-GA"},
        Refusal{"loftq_config", R"({"a": 1})", "LoftQ"},
        Refusal{"megatron_config", R"({"a": 1})", "devices"},
        Refusal{"monteclora_config", R"({"a": 1})", "MonteCLoRA"},
        Refusal{"velora_config", R"({"a": 1})", "VeLoRA"},
        Refusal{"init_lora_weights", R"("pissa_niter_4")", "base weights"},
        Refusal{"init_lora_weights", R"("olora")", "base weights"},
        Refusal{"init_lora_weights", R"("pissa")", "path_initial_model_for_weight_conversion"},
        Refusal{"init_lora_weights", R"("corda")", "base weights"},
        Refusal{"init_lora_weights", R"("loftq")", "base weights"},
        Refusal{"init_lora_weights", R"("lora_ga")", "base weights"},
        Refusal{"init_lora_weights", R"("topk")", "base weights"},
        Refusal{"init_lora_weights", "3", "text"}, Refusal{"topk", "8", "does not know"},
        Refusal{"use_rslorra", "true", "did you mean 'use_rslora'?"}));

INSTANTIATE_TEST_SUITE_P(
    Numbers, RefusedConfig,
    ::testing::Values(
        Refusal{"r", "0", "integer >= 1"}, Refusal{"r", "-4", "integer >= 1"},
        Refusal{"r", "8.5", "integer >= 1"}, Refusal{"r", R"("8")", "integer >= 1"},
        Refusal{"r", "true", "integer"}, Refusal{"r", "9223372036854775808", "integer"},
        Refusal{"r", "1000000", "65536"}, Refusal{"r", "", "no such key"},
        Refusal{"lora_alpha", "0", "> 0"}, Refusal{"lora_alpha", "-1", "> 0"},
        Refusal{"lora_alpha", R"("16")", "number"}, Refusal{"lora_alpha", "null", "number"},
        Refusal{"lora_alpha", "", "no such key"}, Refusal{"lora_dropout", "1", "< 1"},
        Refusal{"lora_dropout", "-0.1", ">= 0"},
        Refusal{"use_rslora", R"("false")", "true or false"},
        Refusal{"use_rslora", "1", "true or false"},
        Refusal{"rank_pattern", R"({"q_proj": 0})", "rank_pattern.q_proj"},
        Refusal{"rank_pattern", R"({"q_proj": 2.5})", "rank_pattern.q_proj"},
        Refusal{"rank_pattern", "[4]", "object"}, Refusal{"rank_pattern", R"({"(": 4})", "regular"},
        Refusal{"alpha_pattern", R"({"q_proj": 0})", "alpha_pattern.q_proj"}));

INSTANTIATE_TEST_SUITE_P(
    Targets, RefusedConfig,
    ::testing::Values(Refusal{"target_modules", "null", "must be said"},
                      Refusal{"target_modules", "", "must be said"},
                      Refusal{"target_modules", "[]", "at least one"},
                      Refusal{"target_modules", R"("")", "at least one"},
                      Refusal{"target_modules", "[7]", "text"},
                      Refusal{"target_modules", "7", "list"},
                      Refusal{"target_modules", R"(["q_proj", "lm_head"])", "output head"},
                      Refusal{"target_modules", R"(["model.embed_tokens"])", "embedding"},
                      Refusal{"target_modules", R"("(q_proj")", "regular expression"},
                      Refusal{"exclude_modules", R"("[")", "regular expression"},
                      Refusal{"layers_to_transform", "[-1]", ">= 0"},
                      Refusal{"layers_to_transform", R"(["0"])", "integer"},
                      Refusal{"layers_pattern", R"("layers")", "layers_to_transform"}));

TEST(LoraConfig, NumbersThatAreNoneAreRefused) {
  for (const char* value : {"NaN", "Infinity", "1e999"}) {
    expect_error(ErrorKind::kData, {"adapter_config.json"}, [&] {
      parse(config_text({{"lora_alpha", value}}));
    });
  }
}

TEST(LoraConfig, LayersDoNotGoWithAPattern) {
  expect_error(ErrorKind::kData, {"layers_to_transform"}, [] {
    parse(config_text({{"target_modules", R"(".*q_proj")"}, {"layers_to_transform", "[0]"}}));
  });
}

TEST(LoraConfig, UnknownKeysWithoutEffectAreAccepted) {
  EXPECT_EQ(parse(config_text({{"new_a", "null"},
                               {"new_b", "false"},
                               {"new_c", "[]"},
                               {"new_d", "{}"},
                               {"new_e", R"("")"},
                               {"modules_to_save", "[]"}}))
                .rank,
            4);
}

TEST(LoraConfig, InitialisationsThatLeaveTheBaseAloneAreAccepted) {
  for (const char* value :
       {"true", "false", "null", R"("gaussian")", R"("orthogonal")", R"("eva")", R"("mica")"}) {
    EXPECT_EQ(parse(config_text({{"init_lora_weights", value}})).rank, 4) << value;
  }
}

TEST(LoraConfig, VariantsAreWrittenAsTheyWereRead) {
  for (const char* init : {"gaussian", "false", "orthogonal"}) {
    const bool name = std::string(init) != "false";
    const std::string value = name ? fmt::format("\"{}\"", init) : init;
    LoraConfig config = parse(
        config_text({{"init_lora_weights", value}, {"use_dora", "true"}, {"use_rslora", "true"}}));
    EXPECT_EQ(config.init, init);
    const std::string text = lora_config_json(config);
    EXPECT_THAT(text, ::testing::HasSubstr("\"init_lora_weights\": " + value));
    EXPECT_THAT(text, ::testing::HasSubstr("\"use_dora\": true"));
    EXPECT_TRUE(parse(text).use_dora);
    EXPECT_EQ(parse(text).init, init);
  }
}

TEST(LoraConfig, DoublingKeepsEveryScale) {
  for (const bool rslora : {false, true}) {
    LoraConfig config;
    config.rank = 4;
    config.alpha = 12;
    config.use_rslora = rslora;
    config.init = "pissa";
    config.rank_pattern = {{"q_proj", 3}};
    config.alpha_pattern = {{"k_proj", 5}};
    const LoraConfig twice = doubled(config);
    EXPECT_EQ(twice.init, "");
    for (const char* name : {"q_proj", "k_proj", "v_proj"}) {
      EXPECT_EQ(lora_rank(twice, name), 2 * lora_rank(config, name));
      EXPECT_NEAR(lora_scale(twice, name), lora_scale(config, name), 1e-15 * config.alpha) << name;
    }
  }
}

TEST(LoraConfig, TooManyPatternsAreRefused) {
  std::string many = "{", expressions = "{";
  for (int i = 0; i < 5000; ++i) many += fmt::format("{}\"m{}\": 4", i ? "," : "", i);
  for (int i = 0; i < 65; ++i) expressions += fmt::format("{}\"m{}.*\": 4", i ? "," : "", i);
  for (const std::string& text : {many + "}", expressions + "}"}) {
    expect_error(ErrorKind::kData, {"rank_pattern", "at most 4096 and 64"}, [&] {
      parse(config_text({{"rank_pattern", text}}));
    });
  }
}

TEST(LoraConfig, AListOf50000TargetsIsResolvedAtOnce) {
  std::string list = "[";
  for (int i = 0; i < 50000; ++i) list += fmt::format("\"module_{}_with_a_long_name\", ", i);
  const double start = cpu_seconds();
  const LoraConfig config = parse(config_text({{"target_modules", list + R"("q_proj"])"}}));
  EXPECT_EQ(targets(config).size(), 2);
  EXPECT_LT(cpu_seconds() - start, 1);
}

TEST(LoraConfig, TextThatIsNotAsciiIsEscaped) {
  LoraConfig config;
  config.target_modules = {"q_proj"};
  config.base_model = "größe\n";
  const std::string text = lora_config_json(config);
  EXPECT_THAT(text, ::testing::HasSubstr(R"("gr\u00f6\u00dfe\n")"));
  EXPECT_EQ(parse(text).base_model, config.base_model);
}

}  // namespace
}  // namespace telora::testing
