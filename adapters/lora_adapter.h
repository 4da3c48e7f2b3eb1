#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/lora_config.h"
#include "adapters/lora_linear.h"
#include "adapters/peft_folder.h"
#include "backbone/decoder.h"

namespace telora {

// The pair of one linear. A and B are views of the adapter's flat buffer.
class LoraModule : public LinearDelta {
 public:
  at::Tensor forward(const at::Tensor& x, const Linear& base) override;

  std::string name;
  at::Tensor a;  // [r, in] float32
  at::Tensor b;  // [out, r] float32
  double scale = 1;
  LoraDropout dropout;  // p stays 0 outside training passes
};

// How A begins: uniform in ±1/sqrt(in) (PEFT's default), or normal with deviation 1/r (PEFT's
// "gaussian").
enum class LoraInit { kKaiming, kGaussian };

// A set of LoRA pairs over one flat float32 buffer (A and B of each module in forward order), so
// that optimizer, clipping and checkpoints are one pass over memory. Frozen until
// enable_training().
class LoraAdapter {
 public:
  // A drawn by `init`, B zero; each module has its own stream of `seed`. Throws Error(config) for a
  // rank outside 1..min(in, out) or a target that names no module.
  static LoraAdapter create(const LoraConfig& config, const DecoderSpec& spec, LoraInit init,
                            uint64_t seed);
  // Takes tensors that read_adapter() checked.
  static LoraAdapter from_file(const AdapterFile& file);

  // Fills the delta slot of every module's linear. The adapter must outlive the attachment.
  // Throws Error(data) if the decoder lacks a module or a slot is taken.
  void attach(Decoder& decoder);
  static void detach(Decoder& decoder);

  const LoraConfig& config() const { return config_; }
  AdapterFile to_file() const;
  const at::Tensor& parameters() const {
    return parameters_;
  }  // [N] float32, shared with the modules
  const at::Tensor& gradients() const {
    return gradients_;
  }  // [N], defined after enable_training()
  int64_t parameter_count() const { return parameters_.numel(); }

  // Gradients accumulate into gradients() from then on.
  void enable_training(uint64_t seed);
  // Dropout for the next forward passes, which follow `position` trained tokens; off with p 0.
  void set_dropout(double p, uint64_t position);

 private:
  explicit LoraAdapter(LoraConfig config) : config_(std::move(config)) {}
  void allocate(const std::vector<ModuleShape>& shapes);

  LoraConfig config_;
  std::vector<std::unique_ptr<LoraModule>> modules_;  // stable addresses: decoders point at them
  at::Tensor parameters_;
  at::Tensor gradients_;
};

}  // namespace telora
