#include "adapters/module_pattern.h"

#include "tests/adapters/support.h"

namespace telora::testing {
namespace {

const Where kHere{"adapter_config.json", "target_modules"};

struct Case {
  const char* pattern;
  const char* name;
  bool matches;
};

class WholeName : public ::testing::TestWithParam<Case> {};

TEST_P(WholeName, MatchesAsPythonsFullmatch) {
  EXPECT_EQ(matches_whole(GetParam().pattern, GetParam().name, kHere), GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(
    Patterns, WholeName,
    ::testing::Values(
        Case{"q_proj", "q_proj", true}, Case{"q_proj", "model.q_proj", false},
        Case{"a.b", "axb", true}, Case{"a.b", "a\nb", false}, Case{"a.b", "ab", false},
        Case{".*proj", "model.layers.0.self_attn.q_proj", true},
        Case{".*proj", "model.layers.0.self_attn.q_proj.x", false},
        Case{"a|ab", "ab", true},  // the longer branch comes second
        Case{".*(q|v)_proj", "model.v_proj", true}, Case{".*(q|v)_proj", "model.k_proj", false},
        Case{R"(.*layers\.(?:1?[0-3])\..*)", "model.layers.12.mlp.up_proj", true},
        Case{R"(.*layers\.(?:1?[0-3])\..*)", "model.layers.14.mlp.up_proj", false},
        Case{"(?!.*vision).*proj", "model.q_proj", true},
        Case{"(?!.*vision).*proj", "vision.q_proj", false},
        Case{R"((?P<name>\w+)\.up)", "mlp.up", true}, Case{"(?i)MLP.*", "mlp.up", true}));

TEST(ModulePattern, TailStartsAtADotOrTheBeginning) {
  for (const char* pattern : {"q_proj", "(q|x)_proj", "attn.q_proj", R"(attn\.\w_proj)"}) {
    EXPECT_TRUE(matches_tail(pattern, "model.layers.0.attn.q_proj", kHere)) << pattern;
    EXPECT_FALSE(matches_tail(pattern, "model.layers.0.attn.xq_proj_2", kHere)) << pattern;
  }
  EXPECT_TRUE(matches_tail("q_proj", "q_proj", kHere));
  EXPECT_FALSE(matches_tail("q_proj", "my_q_proj", kHere));
  EXPECT_FALSE(matches_tail("(q)_proj", "my_q_proj", kHere));
  EXPECT_FALSE(matches_tail("model.q_proj", "q_proj", kHere));
}

TEST(ModulePattern, AlternativesStayInsideTheTail) {
  EXPECT_TRUE(matches_tail("up|down", "mlp.down", kHere));
  EXPECT_FALSE(matches_tail("up|down", "mlp.down.x", kHere));
}

// A pattern of the shape that fine-tuning front ends write into adapter_config.json.
TEST(ModulePattern, LongPracticalPatternIsDecided) {
  const std::string pattern =
      R"((?:.*?(?:language|text).*?(?:self_attn|attention|mlp|ffn|dense).*?(?:q_proj|k_proj|v_proj|o_proj|up_proj).*?))"
      R"(|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|attention|mlp|ffn)\.(?:(?:q_proj|k_proj|v_proj|o_proj|up_proj))))";
  EXPECT_TRUE(matches_whole(pattern, "model.layers.17.self_attn.v_proj", kHere));
  EXPECT_TRUE(matches_whole(pattern, "language_model.model.layers.3.mlp.up_proj", kHere));
  EXPECT_FALSE(matches_whole(pattern, "model.layers.17.self_attn.q_norm", kHere));
}

class Catastrophic : public ::testing::TestWithParam<const char*> {};

// Nested repeats, look-ahead and recursion that cost a backtracking engine very much on this name.
// (No single literal ends them, lest the engine gives up early for the lack of it.) Decided or
// refused: both are right, as long as neither takes long.
TEST_P(Catastrophic, EndsAtOnce) {
  const std::string name = "model.layers.0.self_attn." + std::string(200, 'a');
  const double start = cpu_seconds();
  try {
    EXPECT_FALSE(matches_whole(GetParam(), name, kHere));
    EXPECT_FALSE(matches_tail(GetParam(), name, kHere));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("target_modules"));
  }
  EXPECT_LT(cpu_seconds() - start, 1);
}

INSTANTIATE_TEST_SUITE_P(Patterns, Catastrophic,
                         ::testing::Values("(a+)+[bc]", ".*(a*)*(a*)*[bc]", R"((\w+\.?)+[!?])",
                                           "(.*)*(.*)*[!?]", "(a|aa)+[bc]",
                                           "(?:(?:a?){60}){60}[bc]", "(.{0,999}){0,30}[!?]",
                                           ".*(?=(a+)+[!?])(?=(a+)+[!?]).*",
                                           "(?:(?=.*(?=.*(?=.*[!?]))).)*", "((((a++)*)++)*)++[!?]",
                                           "(?:a(?R)?)*[!?]", "(?R)[!?]"));

TEST(ModulePattern, ATooCostlyPatternIsAnError) {
  expect_error(
      ErrorKind::kData, {"target_modules", "matching limits", "list the module names"}, [] {
        matches_whole("(?:(?=a)(?=a)(?=a)(?=a)(?=a)(?=a)a)*[!?]", std::string(200, 'a'), kHere);
      });
}

TEST(ModulePattern, BackReferenceIsRefused) {
  expect_error(ErrorKind::kData, {"target_modules", "back-references"},
               [] { matches_whole(R"((a+)\1b)", "aab", kHere); });
}

TEST(ModulePattern, InvalidPatternNamesThePlace) {
  for (const char* pattern : {"(", "[a", "*a", "a{2,1}", "(?<n", "a\\"}) {
    expect_error(ErrorKind::kData, {"adapter_config.json: target_modules", "at character"},
                 [&] { check_pattern(pattern, kHere); });
  }
}

TEST(ModulePattern, OverlongPatternIsRefused) {
  const std::string pattern = "(" + std::string(1000, 'a') + ")";
  expect_error(ErrorKind::kData, {"1002 bytes", "at most 1000"},
               [&] { check_pattern(pattern, kHere); });
  expect_error(ErrorKind::kData, {"1002 bytes"}, [&] { matches_tail(pattern, "a", kHere); });
}

TEST(ModulePattern, NestingIsBounded) {
  const std::string pattern = std::string(900, '(') + "a" + std::string(900, ')');
  expect_error(ErrorKind::kData, {"target_modules"}, [&] { check_pattern(pattern, kHere); });
}

}  // namespace
}  // namespace telora::testing
