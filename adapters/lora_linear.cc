#include "adapters/lora_linear.h"

#include "adapters/dropout_context.h"

namespace telora {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct LoraLinearNode : torch::autograd::Function<LoraLinearNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& a,
                            const at::Tensor& b, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, double scale,
                            const LoraDropout& dropout) {
    const at::ScalarType type = weight.scalar_type();
    const at::Tensor a_used = a.to(type), b_used = b.to(type);
    const at::Tensor h = at::mm(drop(x, dropout).to(type), a_used.t());  // [T, r]
    at::Tensor y = at::linear(x.to(type), weight, bias);                 // [T, out]
    y.addmm_(h, b_used.t(), 1.0, scale);
    context->save_for_backward({x, h, a_used, b_used, weight});
    context->saved_data["scale"] = scale;
    keep_dropout(context, dropout);
    return y.to(x.scalar_type());
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &h = saved[1], &a = saved[2], &b = saved[3], &weight = saved[4];
    const double scale = context->saved_data["scale"].toDouble();
    const LoraDropout dropout = kept_dropout(context);
    const at::ScalarType type = weight.scalar_type();
    const at::Tensor g = gradients[0].contiguous().to(type);                         // [T, out]
    const at::Tensor gh = at::mm(g, b).mul_(scale);                                  // [T, r]
    const at::Tensor db = at::mm(g.t(), h).to(at::kFloat).mul_(scale);               // [out, r]
    const at::Tensor da = at::mm(gh.t(), drop(x, dropout).to(type)).to(at::kFloat);  // [r, in]
    at::Tensor dx;
    if (context->needs_input_grad(0)) {
      dx = at::mm(g, weight);  // [T, in]
      if (dropout.active()) {
        dx.add_(drop(at::mm(gh, a), dropout));
      } else {
        dx.addmm_(gh, a);
      }
      dx = dx.to(x.scalar_type());
    }
    return {dx, da, db, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor lora_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const at::Tensor& a, const at::Tensor& b, double scale,
                       const LoraDropout& dropout) {
  const auto maybe_bias = bias.defined() ? std::optional(bias) : std::nullopt;
  return LoraLinearNode::apply(x, a, b, weight, maybe_bias, scale, dropout);
}

}  // namespace telora
