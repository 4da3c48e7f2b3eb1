// Every input of the fuzzers' corpora, without a fuzzer.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/files.h"
#include "tests/fuzz/targets.h"

namespace telora::fuzz {
namespace {

struct Corpus {
  const char* name;
  void (*read)(std::string_view);
};

void PrintTo(const Corpus& corpus, std::ostream* out) { *out << corpus.name; }

class FuzzCorpus : public testing::TestWithParam<Corpus> {};

TEST_P(FuzzCorpus, IsReadOrRefused) {
  const auto folder =
      std::filesystem::path(TELORA_SOURCE_DIR) / "tests/fuzz/corpus" / GetParam().name;
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(file.path().filename().string());
    const std::string bytes = read_text(file.path());
    EXPECT_LE(bytes.size(), 16384U);
    GetParam().read(bytes);
    ++files;
  }
  EXPECT_GE(files, 10);
}

INSTANTIATE_TEST_SUITE_P(Target, FuzzCorpus,
                         testing::Values(Corpus{"safetensors", read_safetensors},
                                         Corpus{"gguf", read_gguf},
                                         Corpus{"tokenizer_json", read_tokenizer_json},
                                         Corpus{"sentencepiece", read_sentencepiece},
                                         Corpus{"adapter_config", read_adapter_config}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace telora::fuzz
