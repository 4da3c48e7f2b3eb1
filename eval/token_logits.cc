#include "eval/token_logits.h"

#include <fmt/format.h>

#include "adapters/lora_adapter.h"
#include "backbone/backbone.h"
#include "backbone/torch.h"

namespace telora {

void check_token_ids(const std::vector<int32_t>& tokens, int64_t vocab) {
  if (tokens.empty()) throw Error(ErrorKind::kUsage, "--tokens: found none, want at least one id");
  for (const int32_t id : tokens) {
    if (id >= 0 && id < vocab) continue;
    fail(ErrorKind::kUsage, {"--tokens", ""}, std::to_string(id),
         fmt::format("ids of 0 to {}", vocab - 1));
  }
}

TokenLogits token_logits(const std::string& name, const std::string& adapter_folder,
                         const std::string& precision, const std::vector<int32_t>& tokens,
                         at::Device device) {
  const at::NoGradGuard no_gradient;
  Decoder decoder = load_decoder(name, frozen_type(precision), device);
  check_token_ids(tokens, decoder.spec().vocab);
  std::optional<LoraAdapter> adapter;
  if (!adapter_folder.empty()) {
    adapter.emplace(
        LoraAdapter::from_file(read_adapter(adapter_folder, linear_modules(decoder.spec()))));
    adapter->attach(decoder);
  }
  const at::Tensor hidden = decoder.hidden(pack_rows({&tokens, 1}), {});  // [T, D]
  const at::Tensor last =
      decoder.logits(hidden.narrow(0, hidden.size(0) - 1, 1)).to(at::kCPU).contiguous();
  TokenLogits result;
  result.last.assign(last.data_ptr<float>(), last.data_ptr<float>() + last.numel());
  const auto count = static_cast<int64_t>(tokens.size()) - 1;
  if (count > 0) {
    const at::Tensor targets =
        torch::tensor(tokens, torch::kInt32).narrow(0, 1, count).to(at::kLong);
    result.loss = decoder.loss_sum(hidden.narrow(0, 0, count), targets).item<double>() /
                  static_cast<double>(count);
  }
  return result;
}

}  // namespace telora
