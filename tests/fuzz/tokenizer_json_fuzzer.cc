#include "tests/fuzz/json_mutator.h"
#include "tests/fuzz/memory_watch.h"
#include "tests/fuzz/targets.h"

namespace {

const std::vector<std::string> kWords{"null",
                                      "true",
                                      "false",
                                      "0",
                                      "-1",
                                      "1",
                                      "256",
                                      "\"\"",
                                      "[]",
                                      "{}",
                                      "\"BPE\"",
                                      "\"ByteLevel\"",
                                      "\"Sequence\"",
                                      "\"Digits\"",
                                      "\"Split\"",
                                      "\"Regex\"",
                                      "\"String\"",
                                      "\"Isolated\"",
                                      "\"Removed\"",
                                      "\"MergedWithNext\"",
                                      "\"normalized\"",
                                      "\"special\"",
                                      "\"lstrip\"",
                                      "\"rstrip\"",
                                      "\"single_word\"",
                                      "\"ignore_merges\"",
                                      "\"unk_token\"",
                                      "\"dropout\"",
                                      "\"merges\"",
                                      "\"vocab\"",
                                      "\"added_tokens\"",
                                      "\"post_processor\"",
                                      "\"TemplateProcessing\"",
                                      "[\"l\",\"l\"]",
                                      "\"l l\"",
                                      "\"\\u0120\"",
                                      "{\"Regex\":\"\\\\p{L}+|\\\\s+\"}",
                                      "{\"String\":\" \"}",
                                      "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?:x+x+)+y\"},"
                                      "\"behavior\":\"Isolated\",\"invert\":false}"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const telora::fuzz::MemoryWatch watch(size);
  telora::fuzz::read_tokenizer_json({reinterpret_cast<const char*>(data), size});
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t limit, unsigned seed) {
  telora::fuzz::Choices choices(seed);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  return telora::fuzz::give_back(telora::fuzz::mutate_json(text, limit, kWords, choices), data,
                                 limit);
}
