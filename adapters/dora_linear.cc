#include "adapters/dora_linear.h"

#include "adapters/dropout_context.h"

namespace telora {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// z = W x~ + scale * B A x~ [T, out] is kept for the magnitudes' gradient. It is scaled in float32:
// m / n stays close to 1, where bfloat16 has steps of 1/128.
struct DoraLinearNode : torch::autograd::Function<DoraLinearNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& a,
                            const at::Tensor& b, const at::Tensor& magnitude,
                            const at::Tensor& norms, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, double scale,
                            const LoraDropout& dropout) {
    const at::ScalarType type = weight.scalar_type();
    const at::Tensor a_used = a.to(type), b_used = b.to(type), whole = x.to(type);
    const at::Tensor dropped = drop(x, dropout).to(type);  // x~ [T, in]
    const at::Tensor h = at::mm(dropped, a_used.t());      // [T, r]
    at::Tensor z = at::mm(dropped, weight.t());
    z.addmm_(h, b_used.t(), 1.0, scale);
    at::Tensor y = at::mul(z, magnitude / norms);  // float32
    if (dropout.active()) y.add_(at::mm(whole - dropped, weight.t()));
    if (bias) y.add_(*bias);
    context->save_for_backward({x, h, z, a_used, b_used, weight, magnitude, norms});
    context->saved_data["scale"] = scale;
    keep_dropout(context, dropout);
    return y.to(x.scalar_type());
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &h = saved[1], &z = saved[2], &a = saved[3], &b = saved[4],
                     &weight = saved[5], &magnitude = saved[6], &norms = saved[7];
    const double scale = context->saved_data["scale"].toDouble();
    const LoraDropout dropout = kept_dropout(context);
    const at::ScalarType type = weight.scalar_type();
    const at::Tensor g = gradients[0].to(at::kFloat);                                // [T, out]
    const at::Tensor dm = at::mul(g, z).sum(0).div_(norms);                          // [out]
    const at::Tensor dz = at::mul(g, magnitude / norms).to(type);                    // [T, out]
    const at::Tensor gh = at::mm(dz, b).mul_(scale);                                 // [T, r]
    const at::Tensor db = at::mm(dz.t(), h).to(at::kFloat).mul_(scale);              // [out, r]
    const at::Tensor da = at::mm(gh.t(), drop(x, dropout).to(type)).to(at::kFloat);  // [r, in]
    at::Tensor dx;
    if (context->needs_input_grad(0)) {
      dx = through(dz, gh, g.to(type), a, weight, dropout).to(x.scalar_type());
    }
    return {dx, da, db, dm, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }

  // dz W + gh A through the dropout, and what passes it by. [T, in]
  static at::Tensor through(const at::Tensor& dz, const at::Tensor& gh, const at::Tensor& g,
                            const at::Tensor& a, const at::Tensor& weight,
                            const LoraDropout& dropout) {
    if (!dropout.active()) return at::mm(dz, weight).addmm_(gh, a);
    return at::mm(g, weight).add_(drop(at::mm(dz - g, weight).addmm_(gh, a), dropout));
  }
};

}  // namespace

at::Tensor dora_norms(const at::Tensor& weight, const at::Tensor& row_squares, const at::Tensor& a,
                      const at::Tensor& b, double scale) {
  const at::NoGradGuard no_gradient;
  const at::Tensor cross = at::mm(weight.to(at::kFloat), a.t()).to(at::kDouble);  // [out, r]
  const at::Tensor gram = at::mm(a, a.t()).to(at::kDouble);                       // [r, r]
  const at::Tensor rows = b.to(at::kDouble);                                      // [out, r]
  at::Tensor squares = at::mul(cross, 2.0 * scale).add_(at::mm(rows, gram), scale * scale);
  squares = squares.mul_(rows).sum(1).add_(row_squares);
  return squares.clamp_min_(0).sqrt_().to(at::kFloat);
}

at::Tensor dora_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const at::Tensor& a, const at::Tensor& b, const at::Tensor& magnitude,
                       const at::Tensor& norms, double scale, const LoraDropout& dropout) {
  const auto maybe_bias = bias.defined() ? std::optional(bias) : std::nullopt;
  return DoraLinearNode::apply(x, a, b, magnitude, norms, weight, maybe_bias, scale, dropout);
}

}  // namespace telora
