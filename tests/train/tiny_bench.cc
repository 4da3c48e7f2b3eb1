#include "tests/train/tiny_bench.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "backbone/byte_level.h"
#include "core/files.h"
#include "tests/golden/model_files.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

// The 256 bytes and nothing else.
void write_byte_tokenizer(const std::filesystem::path& folder) {
  Json vocabulary = Json::object();
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary[std::string(byte_spelling(static_cast<unsigned char>(byte)))] = byte;
  }
  const Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  const Json model = {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", Json::array()}};
  publish(folder / "tokenizer.json",
          Json{{"pre_tokenizer", bytes}, {"decoder", bytes}, {"model", model}}.dump());
}

void write_model(const std::filesystem::path& folder) {
  DecoderSpec spec = golden::tiny_llama();
  spec.vocab = 256;
  spec.max_positions = 4096;
  std::filesystem::create_directories(folder);
  golden::write_folder(folder, spec, golden::tiny_weights(spec));
  write_byte_tokenizer(folder);
}

// The answer is the letter that the question names.
Json made_up_row(int number) {
  const int answer = number % 4;
  const std::string letter(1, static_cast<char>('A' + answer));
  Json row = {{"question", fmt::format("Number {}: which letter is {}?", number, letter)},
              {"choices", {"1. it", "2. that", "3. this", "4. those"}},
              {"answer", answer}};
  row["difficulty"] = "easy";
  return row;
}

}  // namespace

TinyBench::TinyBench() {
  write_model(folder_ / "model");
  std::filesystem::create_directories(folder_ / "data");
  std::string lines;
  for (int i = 0; i < 20; ++i) lines += made_up_row(i).dump() + "\n";
  publish(folder_ / "data/oranbench.jsonl", lines);
}

Recipe TinyBench::recipe(const std::string& category, std::vector<std::string> settings) const {
  std::vector<std::string> all = {
      "split_method=sk",   "batch_size=2",          "checkpoint_every=2", "evaluations_per_epoch=3",
      "dropout=0.1",       "warmup_min_steps=2",    "max_steps=7",        "max_new_tokens=3",
      "patience=0",        "chat_template=smollm2", "precision=f32",      "max_length=2048",
      "learning_rate=0.01"};
  all.insert(all.end(), settings.begin(), settings.end());
  return load_recipe({.config = {},
                      .settings = all,
                      .flags = {{"category", category},
                                {"backbone", (folder_ / "model").string()},
                                {"data", (folder_ / "data").string()}}});
}

}  // namespace telora
