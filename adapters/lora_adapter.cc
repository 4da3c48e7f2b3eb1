#include "adapters/lora_adapter.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "backbone/torch.h"
#include "core/random.h"

namespace telora {

namespace {

void fill_uniform(at::Tensor& tensor, double bound, uint64_t key) {
  RandomStream stream(key);
  float* values = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    values[i] = static_cast<float>((2.0 * stream.next_unit() - 1.0) * bound);
  }
}

// Box-Muller.
void fill_normal(at::Tensor& tensor, double deviation, uint64_t key) {
  RandomStream stream(key);
  float* values = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - stream.next_unit()));
    values[i] = static_cast<float>(deviation * radius *
                                   std::cos(2.0 * std::numbers::pi * stream.next_unit()));
  }
}

void initialise(at::Tensor& a, LoraInit init, uint64_t key) {
  if (init == LoraInit::kKaiming) {
    fill_uniform(a, 1.0 / std::sqrt(static_cast<double>(a.size(1))), key);
  } else {
    fill_normal(a, 1.0 / static_cast<double>(a.size(0)), key);
  }
}

void check_rank(const ModuleShape& shape, int64_t rank) {
  const int64_t most = std::min(shape.in, shape.out);
  if (rank >= 1 && rank <= most) return;
  fail(ErrorKind::kConfig, {"rank", shape.name}, std::to_string(rank),
       fmt::format("1 to {} (the smaller side of a {} x {} matrix)", most, shape.out, shape.in),
       "choose a smaller --rank");
}

}  // namespace

at::Tensor LoraModule::forward(const at::Tensor& x, const Linear& base) {
  return lora_linear(x, base.weight, base.bias, a, b, scale, dropout);
}

void LoraAdapter::allocate(const std::vector<ModuleShape>& shapes) {
  int64_t total = 0;
  for (const ModuleShape& shape : shapes)
    total += lora_rank(config_, shape.name) * (shape.in + shape.out);
  parameters_ = at::zeros({total}, at::kFloat);
  int64_t begin = 0;
  const auto take = [&](int64_t rows, int64_t columns) {
    at::Tensor view = parameters_.narrow(0, begin, rows * columns).view({rows, columns}).detach();
    begin += rows * columns;
    return view;
  };
  for (const ModuleShape& shape : shapes) {
    const int64_t rank = lora_rank(config_, shape.name);
    auto module = std::make_unique<LoraModule>();
    module->name = shape.name;
    module->a = take(rank, shape.in);
    module->b = take(shape.out, rank);
    module->scale = lora_scale(config_, shape.name);
    modules_.push_back(std::move(module));
  }
}

LoraAdapter LoraAdapter::create(const LoraConfig& config, const DecoderSpec& spec, LoraInit init,
                                uint64_t seed) {
  LoraAdapter adapter(config);
  std::vector<ModuleShape> targets;
  for (const ModuleShape& shape : linear_modules(spec)) {
    if (!is_target(config, shape.name)) continue;
    check_rank(shape, lora_rank(config, shape.name));
    targets.push_back(shape);
  }
  if (targets.empty()) {
    fail(ErrorKind::kConfig, {"target_modules", ""}, "names of no linear in this backbone",
         "at least one", "use all-linear, or names such as q_proj and down_proj");
  }
  adapter.allocate(targets);
  for (const auto& module : adapter.modules_) {
    initialise(module->a, init, stream_key(seed, ("lora_A:" + module->name).c_str()));
  }
  return adapter;
}

LoraAdapter LoraAdapter::from_file(const AdapterFile& file) {
  LoraAdapter adapter(file.config);
  std::vector<ModuleShape> shapes;
  for (const LoraTensors& t : file.modules) shapes.push_back({t.module, t.a.size(1), t.b.size(0)});
  adapter.allocate(shapes);
  for (size_t i = 0; i < file.modules.size(); ++i) {
    adapter.modules_[i]->a.copy_(file.modules[i].a);
    adapter.modules_[i]->b.copy_(file.modules[i].b);
  }
  return adapter;
}

void LoraAdapter::attach(Decoder& decoder) {
  for (const auto& module : modules_) {
    Linear* linear = decoder.find_linear(module->name);
    const bool fits = linear && linear->weight.size(0) == module->b.size(0) &&
                      linear->weight.size(1) == module->a.size(1);
    if (!fits || linear->delta) {
      fail(ErrorKind::kData, {"adapter", module->name},
           fits ? "a linear that has an adapter" : "no such linear",
           "a free linear of the same shape", "is this the backbone the adapter was trained on?");
    }
    linear->delta = module.get();
  }
}

void LoraAdapter::detach(Decoder& decoder) {
  for (Linear* linear : decoder.linears()) linear->delta = nullptr;
}

AdapterFile LoraAdapter::to_file() const {
  AdapterFile file;
  file.config = config_;
  for (const auto& m : modules_) file.modules.push_back({m->name, m->a.detach(), m->b.detach()});
  return file;
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
