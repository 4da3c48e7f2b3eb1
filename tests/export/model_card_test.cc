#include "export/model_card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telora {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const CardFacts kFacts{.base = "tiny",
                       .base_license = "apache-2.0",
                       .license = "mit",
                       .provenance = {{"sha256.weights", "abc"}}};
constexpr const char* kRunCard =
    "---\nlibrary_name: peft\nlicense: other\nbase_model: tiny\n---\n\n# Mine\n\n---\nbody: 1\n";

TEST(ModelCard, FieldsAreReadFromTheHeadOnly) {
  EXPECT_EQ(card_field(kRunCard, "license"), "other");
  EXPECT_EQ(card_field(kRunCard, "base_model"), "tiny");
  EXPECT_EQ(card_field(kRunCard, "body"), "");
  EXPECT_EQ(card_field("# no head\nlicense: x\n", "license"), "");
  EXPECT_EQ(card_field("---\nlicense: \"mit\" \r\n---\n", "license"), "mit");
  EXPECT_EQ(card_field("---\nlicense:\n- mit\n- gpl\n---\n", "license"), "mit");
  EXPECT_EQ(card_field("---\nlicense:\n---\n", "license"), "");
}

TEST(ModelCard, TheRunsCardKeepsItsTextAndGetsTheLicence) {
  const std::string card = exported_card(kRunCard, kFacts);
  EXPECT_THAT(card, StartsWith("---\nlicense: mit\nlibrary_name: peft\nbase_model: tiny\n---\n"));
  EXPECT_THAT(card, HasSubstr("# Mine\n\n---\nbody: 1\n"));
  EXPECT_THAT(card, HasSubstr("of the base model: apache-2.0"));
  EXPECT_THAT(card, HasSubstr("- sha256.weights: `abc`"));
  EXPECT_THAT(card, Not(HasSubstr("license: other")));
}

TEST(ModelCard, WithoutARunThereIsAShortOne) {
  CardFacts facts = kFacts;
  facts.license = facts.base_license = "";
  const std::string card = exported_card("", facts);
  EXPECT_EQ(card_field(card, "base_model"), "tiny");
  EXPECT_EQ(card_field(card, "license"), "");
  EXPECT_THAT(card, HasSubstr("of the base model: not stated"));
}

TEST(ModelCard, AMergedModelIsNoAdapter) {
  CardFacts facts = kFacts;
  facts.merged = true;
  const std::string card = exported_card(kRunCard, facts);
  EXPECT_EQ(card_field(card, "library_name"), "transformers");
  EXPECT_THAT(card, HasSubstr("written into its weights"));
}

}  // namespace
}  // namespace telora
