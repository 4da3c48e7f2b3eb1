#include "adapters/residual_lora_linear.h"

#include "backbone/torch.h"

namespace telora {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct ResidualLoraNode : torch::autograd::Function<ResidualLoraNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& a,
                            const at::Tensor& b, const at::Tensor& initial_a,
                            const at::Tensor& initial_b, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, double scale) {
    const at::ScalarType type = weight.scalar_type();
    const ResidualPair pair = residual_pair(a, b, initial_a, initial_b);
    const at::Tensor a_used = pair.a.to(type), b_used = pair.b.to(type), in = x.to(type);
    const at::Tensor h = at::mm(in, a_used.t());  // [T, 2r]
    at::Tensor y = at::linear(in, weight, bias);  // [T, out]
    y.addmm_(h, b_used.t(), 1.0, scale);
    context->save_for_backward({x, h, a_used, b_used, weight});
    context->saved_data["scale"] = scale;
    return y.to(x.scalar_type());
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &h = saved[1], &a = saved[2], &b = saved[3], &weight = saved[4];
    const double scale = context->saved_data["scale"].toDouble();
    const at::ScalarType type = weight.scalar_type();
    const int64_t rank = a.size(0) / 2;
    const at::Tensor g = gradients[0].contiguous().to(type);  // [T, out]
    const at::Tensor gh = at::mm(g, b).mul_(scale);           // [T, 2r]
    // The second half of h is A x; the two halves of gh add up to scale * g B.
    const at::Tensor db = at::mm(g.t(), h.narrow(1, rank, rank)).to(at::kFloat).mul_(scale);
    const at::Tensor gb = gh.narrow(1, 0, rank) + gh.narrow(1, rank, rank);  // [T, r]
    const at::Tensor da = at::mm(gb.t(), x.to(type)).to(at::kFloat);         // [r, in]
    at::Tensor dx;
    if (context->needs_input_grad(0)) dx = at::mm(g, weight).addmm_(gh, a).to(x.scalar_type());
    return {dx, da, db, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor residual_lora_linear(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& bias, const at::Tensor& a, const at::Tensor& b,
                                const at::Tensor& initial_a, const at::Tensor& initial_b,
                                double scale) {
  const auto maybe_bias = bias.defined() ? std::optional(bias) : std::nullopt;
  return ResidualLoraNode::apply(x, a, b, initial_a, initial_b, weight, maybe_bias, scale);
}

}  // namespace telora
