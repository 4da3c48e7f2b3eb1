#include "export/portability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backbone/torch.h"
#include "core/error.h"
#include "tests/export/tiny_adapter.h"
#include "tests/golden/tiny_models.h"

namespace telora {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Portable, HasOneRankAndOneScale) {
  for (const LoraConfig& config : tiny_configs()) {
    const AdapterFile adapter = tiny_adapter(golden::tiny_llama(), config);
    const AdapterFile same = portable(adapter);
    EXPECT_THAT(portability_warnings(same), IsEmpty());
    ASSERT_EQ(same.modules.size(), adapter.modules.size());
    for (size_t i = 0; i < adapter.modules.size(); ++i) {
      const LoraTensors &before = adapter.modules[i], &after = same.modules[i];
      EXPECT_EQ(after.a.size(0), same.config.rank);
      EXPECT_EQ(lora_scale(same.config, after.module), 1);
      EXPECT_TRUE(at::allclose(after.b.mm(after.a),
                               before.b.mm(before.a) * lora_scale(adapter.config, before.module),
                               1e-5, 1e-6));
    }
  }
}

TEST(Portability, WarnsOfWhatVllmDoesNotRead) {
  const DecoderSpec spec = golden::tiny_llama();
  const auto warnings = [&](const LoraConfig& config) {
    return portability_warnings(tiny_adapter(spec, config));
  };
  EXPECT_THAT(warnings({.rank = 16, .target_modules = {"q_proj"}}), IsEmpty());
  EXPECT_THAT(warnings({.rank = 20, .target_modules = {"q_proj"}}),
              ElementsAre(HasSubstr("--max-lora-rank 32")));
  EXPECT_THAT(warnings({.rank = 600, .target_modules = {"q_proj"}}),
              ElementsAre(HasSubstr("up to 512")));
  EXPECT_THAT(warnings({.rank = 4, .target_modules = {"q_proj"}, .alpha_pattern = {{"q_proj", 3}}}),
              Contains(HasSubstr("--portable")));
  EXPECT_THAT(portability_warnings(tiny_dora(spec)), Contains(HasSubstr("DoRA")));
  EXPECT_THROW(portable(tiny_dora(spec)), Error);
}

}  // namespace
}  // namespace telora
