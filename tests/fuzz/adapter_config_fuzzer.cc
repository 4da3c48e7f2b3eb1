#include "tests/fuzz/json_mutator.h"
#include "tests/fuzz/memory_watch.h"
#include "tests/fuzz/targets.h"

namespace {

const std::vector<std::string> kWords{"null",
                                      "true",
                                      "false",
                                      "0",
                                      "-1",
                                      "1e400",
                                      "0.5",
                                      "8",
                                      "\"\"",
                                      "[]",
                                      "{}",
                                      "\"LORA\"",
                                      "\"none\"",
                                      "\"all-linear\"",
                                      "[\"q_proj\",\"v_proj\"]",
                                      "\"rank_pattern\"",
                                      "\"alpha_pattern\"",
                                      "\"target_modules\"",
                                      "\"layers_to_transform\"",
                                      "\"layers_pattern\"",
                                      "\"exclude_modules\"",
                                      "\"use_rslora\"",
                                      "\"use_dora\"",
                                      "\"init_lora_weights\"",
                                      "{\".*\\\\.q_proj\":4}",
                                      "\"(a|b)*c\"",
                                      "\"(?<=x)(.*)\\\\1\"",
                                      "\"^model\\\\.layers\\\\.[0-9]+\""};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const telora::fuzz::MemoryWatch watch(size);
  telora::fuzz::read_adapter_config({reinterpret_cast<const char*>(data), size});
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t limit, unsigned seed) {
  telora::fuzz::Choices choices(seed);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  return telora::fuzz::give_back(telora::fuzz::mutate_json(text, limit, kWords, choices), data,
                                 limit);
}
