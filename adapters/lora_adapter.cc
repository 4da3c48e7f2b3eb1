#include "adapters/lora_adapter.h"

#include <fmt/format.h>

#include "adapters/residual_lora_linear.h"
#include "backbone/torch.h"
#include "core/random.h"

namespace telora {

namespace {

// A pair that is saved in its doubled form must fit that way.
void check_rank(const ModuleShape& shape, int64_t rank, bool doubled) {
  const int64_t most = std::min(shape.in, shape.out) / (doubled ? 2 : 1);
  if (rank >= 1 && rank <= most) return;
  fail(ErrorKind::kConfig, {"rank", shape.name}, std::to_string(rank),
       fmt::format("1 to {} ({}the smaller side of a {} x {} matrix)", most,
                   doubled ? "half of " : "", shape.out, shape.in),
       "choose a smaller --rank");
}

std::vector<ModuleShape> target_shapes(const LoraConfig& config, const DecoderSpec& spec,
                                       const LoraStart& start) {
  std::vector<ModuleShape> targets;
  for (const ModuleShape& shape : linear_modules(spec)) {
    if (!is_target(config, shape.name)) continue;
    check_rank(shape, lora_rank(config, shape.name), start.takes_parts_of_weights());
    targets.push_back(shape);
  }
  if (targets.empty()) {
    fail(ErrorKind::kConfig, {"target_modules", ""}, "names of no linear in this backbone",
         "at least one", "use all-linear, or names such as q_proj and down_proj");
  }
  return targets;
}

}  // namespace

void LoraAdapter::allocate(const std::vector<ModuleShape>& shapes) {
  int64_t total = 0;
  for (const ModuleShape& shape : shapes) {
    total += lora_rank(config_, shape.name) * (shape.in + shape.out);
    if (config_.use_dora) total += shape.out;
  }
  parameters_ = at::zeros({total}, at::kFloat);
  int64_t begin = 0;
  const auto take = [&](at::IntArrayRef sizes) {
    const int64_t count = c10::multiply_integers(sizes);
    at::Tensor view = parameters_.narrow(0, begin, count).view(sizes).detach();
    begin += count;
    return view;
  };
  for (const ModuleShape& shape : shapes) {
    const int64_t rank = lora_rank(config_, shape.name);
    auto module = std::make_unique<LoraModule>();
    module->name = shape.name;
    module->a = take({rank, shape.in});
    module->b = take({shape.out, rank});
    if (config_.use_dora) module->magnitude = take({shape.out});
    module->scale = lora_scale(config_, shape.name);
    modules_.push_back(std::move(module));
  }
}

LoraAdapter LoraAdapter::create(const LoraConfig& config, const DecoderSpec& spec, LoraInit init,
                                uint64_t seed) {
  const LoraStart start{.init = init, .seed = seed};
  if (config.use_dora || start.takes_parts_of_weights()) {
    fail(ErrorKind::kInternal, {"adapter", "init"}, "no weights",
         "the decoder they are taken from");
  }
  LoraAdapter adapter(config);
  adapter.allocate(target_shapes(config, spec, start));
  adapter.start_modules(start);
  return adapter;
}

LoraAdapter LoraAdapter::create(const LoraConfig& config, Decoder& decoder,
                                const LoraStart& start) {
  LoraAdapter adapter(config);
  adapter.allocate(target_shapes(config, decoder.spec(), start));
  if (!start.takes_parts_of_weights()) adapter.start_modules(start);
  adapter.start_on_weights(decoder, start);
  return adapter;
}

void LoraAdapter::start_modules(const LoraStart& start) {
  for (const auto& module : modules_) {
    fill_lora_a(module->a, start.init, stream_key(start.seed, ("lora_A:" + module->name).c_str()));
  }
}

void LoraAdapter::start_on_weights(Decoder& decoder, const LoraStart& start) {
  for (const auto& module : modules_) {
    const Linear& linear = *decoder.find_linear(module->name);
    if (start.takes_parts_of_weights()) take_out(linear, *module, start);
    if (config_.use_dora) module->magnitude.copy_(row_lengths(linear.weight()));
  }
  if (start.takes_parts_of_weights()) keep_initial();
}

void LoraAdapter::take_out(const Linear& linear, LoraModule& module, const LoraStart& start) {
  const uint64_t key = stream_key(start.seed, ("lora_A:" + module.name).c_str());
  const LoraFactors factors =
      lora_factors(linear.weight(), module.a.size(0), module.scale, start, key);
  module.a.copy_(factors.a);
  module.b.copy_(factors.b);
}

void LoraAdapter::keep_initial() {
  initial_ = parameters_.clone();
  int64_t begin = 0;
  const auto take = [&](const at::Tensor& like) {
    at::Tensor view = initial_.narrow(0, begin, like.numel()).view(like.sizes());
    begin += like.numel();
    return view;
  };
  for (const auto& module : modules_) {
    module->initial_a = take(module->a);
    module->initial_b = take(module->b);
  }
}

LoraAdapter LoraAdapter::from_file(const AdapterFile& file) {
  LoraAdapter adapter(file.config);
  std::vector<ModuleShape> shapes;
  for (const LoraTensors& t : file.modules) shapes.push_back({t.module, t.a.size(1), t.b.size(0)});
  adapter.allocate(shapes);
  for (size_t i = 0; i < file.modules.size(); ++i) {
    adapter.modules_[i]->a.copy_(file.modules[i].a);
    adapter.modules_[i]->b.copy_(file.modules[i].b);
    if (file.config.use_dora) adapter.modules_[i]->magnitude.copy_(file.modules[i].magnitude);
  }
  return adapter;
}

void LoraAdapter::move_to(at::Device device) {
  if (parameters_.device() == device) return;
  if (gradients_.defined()) {
    fail(ErrorKind::kInternal, {"adapter", "device"}, "one in training", "a move before it trains");
  }
  const auto views_of = [&](at::Tensor& flat,
                            std::initializer_list<at::Tensor LoraModule::*> parts) {
    flat = flat.to(device);
    int64_t begin = 0;
    for (const auto& module : modules_) {
      for (const auto part : parts) {
        at::Tensor& tensor = (*module).*part;
        if (!tensor.defined()) continue;
        tensor = flat.narrow(0, begin, tensor.numel()).view(tensor.sizes()).detach();
        begin += tensor.numel();
      }
    }
  };
  views_of(parameters_, {&LoraModule::a, &LoraModule::b, &LoraModule::magnitude});
  if (initial_.defined()) views_of(initial_, {&LoraModule::initial_a, &LoraModule::initial_b});
}

void LoraAdapter::attach(Decoder& decoder) {
  move_to(decoder.device());
  for (const auto& module : modules_) {
    Linear* linear = decoder.find_linear(module->name);
    const bool fits = linear && linear->matrix->out() == module->b.size(0) &&
                      linear->matrix->in() == module->a.size(1);
    if (!fits || linear->delta) {
      fail(ErrorKind::kData, {"adapter", module->name},
           fits ? "a linear that has an adapter" : "no such linear",
           "a free linear of the same shape", "is this the backbone the adapter was trained on?");
    }
    module->set_base(*linear);
    linear->delta = module.get();
  }
}

void LoraAdapter::detach(Decoder& decoder) {
  for (Linear* linear : decoder.linears()) linear->delta = nullptr;
}

AdapterFile LoraAdapter::to_file() const {
  AdapterFile file;
  file.config = initial_.defined() ? doubled(config_) : config_;
  for (const auto& m : modules_) {
    if (m->initial_a.defined()) {
      const ResidualPair pair = residual_pair(m->a, m->b, m->initial_a, m->initial_b);
      file.modules.push_back({m->name, pair.a, pair.b});
    } else {
      file.modules.push_back({m->name, m->a.detach(), m->b.detach(),
                              m->magnitude.defined() ? m->magnitude.detach() : at::Tensor()});
    }
  }
  return file;
}

std::vector<ParameterSpan> LoraAdapter::layout() const {
  std::vector<ParameterSpan> spans;
  int64_t begin = 0;
  const auto add = [&](const at::Tensor& tensor, LoraSide part) {
    if (!tensor.defined()) return;
    spans.push_back({begin, tensor.numel(), part});
    begin += tensor.numel();
  };
  for (const auto& module : modules_) {
    add(module->a, LoraSide::kA);
    add(module->b, LoraSide::kB);
    add(module->magnitude, LoraSide::kMagnitude);
  }
  return spans;
}

void LoraAdapter::enable_training(uint64_t seed) {
  gradients_ = at::zeros_like(parameters_);
  int64_t begin = 0;
  const auto track = [&](at::Tensor& tensor) {
    tensor.requires_grad_(true);
    // Autograd adds into a gradient that exists: this makes every gradient a view of the flat
    // buffer.
    tensor.mutable_grad() = gradients_.narrow(0, begin, tensor.numel()).view(tensor.sizes());
    begin += tensor.numel();
  };
  for (const auto& module : modules_) {
    track(module->a);
    track(module->b);
    if (module->magnitude.defined()) track(module->magnitude);
    module->dropout.key = stream_key(seed, ("dropout:" + module->name).c_str());
  }
}

void LoraAdapter::set_dropout(double p, uint64_t position) {
  for (const auto& module : modules_) {
    module->dropout.p = p;
    module->dropout.position = position;
  }
}

}  // namespace telora
