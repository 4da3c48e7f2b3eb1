#include "backbone/ops.h"

#include "backbone/elementwise.h"
#include "backbone/head.h"
#include "backbone/tensor_ops.h"
#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using torch::autograd::Variable;

struct RmsNormNode : torch::autograd::Function<RmsNormNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, double eps) {
    const at::Tensor x = input.contiguous();  // [T, D]
    const Normed normed = rms_norm_forward(x, weight, eps);
    context->save_for_backward({x, weight, normed.inv_rms});
    return normed.y;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    return {rms_norm_backward(gradients[0].contiguous(), saved[0], saved[1], saved[2]),
            at::Tensor(), at::Tensor()};
  }
};

struct GateNode : torch::autograd::Function<GateNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate, const at::Tensor& up,
                            Activation activation) {
    context->save_for_backward({gate, up});
    context->saved_data["activation"] = static_cast<int64_t>(activation);
    return gate_forward(activation, gate, up);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    const GateBackward g = gate_backward(activation, gradients[0].contiguous(), saved[0], saved[1]);
    return {g.dgate, g.dup, at::Tensor()};
  }
};

constexpr int64_t kHeadChunk = 256;  // rows of logits that exist at once

struct CrossEntropyNode : torch::autograd::Function<CrossEntropyNode> {
  // The gradient is made here, chunk by chunk, while the chunk's probabilities exist.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden,
                            const at::Tensor& head, double logit_scale, const at::Tensor& targets) {
    const bool wanted = hidden.requires_grad();
    at::Tensor loss = at::zeros({}, hidden.options().dtype(at::kDouble));
    at::Tensor dhidden = wanted ? at::empty_like(hidden) : at::Tensor();
    for (int64_t begin = 0; begin < hidden.size(0); begin += kHeadChunk) {
      const int64_t count = std::min(kHeadChunk, hidden.size(0) - begin);
      const at::Tensor wanted_ids = targets.narrow(0, begin, count).unsqueeze(1);  // [n, 1]
      const at::Tensor logits =
          head_logits(hidden.narrow(0, begin, count).to(at::kFloat), head, logit_scale);  // [n, V]
      at::Tensor log_p = at::log_softmax(logits, 1);
      loss -= log_p.gather(1, wanted_ids).sum(at::kDouble);
      if (!wanted) continue;
      at::Tensor dlogits = log_p.exp_();
      dlogits.scatter_add_(1, wanted_ids, at::full({count, 1}, -1.0f, logits.options()));
      dhidden.narrow(0, begin, count).copy_(head_gradient(dlogits, head, logit_scale));
    }
    if (wanted) context->save_for_backward({dhidden});
    return loss;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const at::Tensor dhidden = context->get_saved_variables()[0];
    return {dhidden * gradients[0].to(dhidden.scalar_type()), at::Tensor(), at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  if (!x.is_cpu()) return tensor_ops::rms_norm(x, weight, eps);
  return RmsNormNode::apply(x, weight, eps);
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  if (!gate.is_cpu()) return tensor_ops::swiglu(gate, up);
  return GateNode::apply(gate.contiguous(), up.contiguous(), Activation::kSilu);
}

at::Tensor geglu(const at::Tensor& gate, const at::Tensor& up) {
  if (!gate.is_cpu()) return at::gelu(gate, "tanh") * up;
  return GateNode::apply(gate.contiguous(), up.contiguous(), Activation::kGeluTanh);
}

at::Tensor cross_entropy_sum(const at::Tensor& hidden, const at::Tensor& head, double logit_scale,
                             const at::Tensor& targets) {
  return CrossEntropyNode::apply(hidden, head, logit_scale, targets);
}

}  // namespace telora
