#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/lora_config.h"
#include "adapters/lora_init.h"
#include "adapters/lora_module.h"
#include "adapters/peft_folder.h"
#include "adapters/tensor_name.h"
#include "backbone/decoder.h"

namespace telora {

// A stretch of the flat buffer: A, B or the magnitudes of one module.
struct ParameterSpan {
  int64_t begin = 0;
  int64_t count = 0;
  LoraSide part = LoraSide::kA;
};

// A set of LoRA pairs over one flat float32 buffer (A, B and, for DoRA, magnitudes of each module
// in forward order), so that optimizer, clipping and checkpoints are one pass over memory. Frozen
// until enable_training().
class LoraAdapter {
 public:
  // A drawn by `init`, B zero; each module has its own stream of `seed`. Throws Error(config) for a
  // rank outside 1..min(in, out) or a target that names no module.
  static LoraAdapter create(const LoraConfig& config, const DecoderSpec& spec, LoraInit init,
                            uint64_t seed);
  // The same where magnitudes or pairs start from the decoder's weights (DoRA; LoraInit::kPissa,
  // kOlora) or may do so. Throws Error(data) for DoRA on a weight with a row of zeros.
  static LoraAdapter create(const LoraConfig& config, Decoder& decoder, const LoraStart& start);
  // Takes tensors that read_adapter() checked.
  static LoraAdapter from_file(const AdapterFile& file);

  // Fills the delta slot of every module's linear. The adapter must outlive the attachment. It
  // moves to the decoder's device; if it was elsewhere, parameters() are new tensors then. Throws
  // Error(data) if the decoder lacks a module or a slot is taken.
  void attach(Decoder& decoder);
  static void detach(Decoder& decoder);

  const LoraConfig& config() const { return config_; }
  // As PEFT reads it on the unchanged base: an adapter with initial pairs in its doubled form.
  AdapterFile to_file() const;
  const at::Tensor& parameters() const {
    return parameters_;
  }  // [N] float32, shared with the modules
  // What the pairs started as, if that was taken out of the weights; otherwise undefined. [N]
  const at::Tensor& initial_parameters() const { return initial_; }
  std::vector<ParameterSpan> layout() const;
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
  void start_modules(const LoraStart& start);
  void start_on_weights(Decoder& decoder, const LoraStart& start);
  void take_out(const Linear& linear, LoraModule& module, const LoraStart& start);
  void keep_initial();
  void move_to(at::Device device);

  LoraConfig config_;
  std::vector<std::unique_ptr<LoraModule>> modules_;  // stable addresses: decoders point at them
  at::Tensor parameters_;
  at::Tensor initial_;
  at::Tensor gradients_;
};

}  // namespace telora
