#include "backbone/ops.h"

#include "backbone/dispatch.h"
#include "backbone/kernels.h"
#include "backbone/parallel.h"
#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using torch::autograd::Variable;

constexpr int64_t kRowGrain = 16;           // rows a thread takes at least
constexpr int64_t kElementGrain = 1 << 14;  // elements a thread takes at least

struct RmsNormNode : torch::autograd::Function<RmsNormNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, double eps) {
    const at::Tensor x = input.contiguous();  // [T, D]
    at::Tensor y = at::empty_like(x), inv_rms = at::empty({x.size(0)}, at::kFloat);
    const int64_t width = x.size(1);
    dispatch(x, [&](auto element) {
      using T = decltype(element);
      parallel_for(0, x.size(0), kRowGrain, [&](int64_t begin, int64_t end) {
        kernels::rms_norm(data<T>(x) + begin * width, data<T>(weight), data<T>(y) + begin * width,
                          inv_rms.data_ptr<float>() + begin, end - begin, width,
                          static_cast<float>(eps));
      });
    });
    context->save_for_backward({x, weight, inv_rms});
    return y;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &inv_rms = saved[2];
    const at::Tensor dy = gradients[0].contiguous();
    at::Tensor dx = at::empty_like(x);
    const int64_t width = x.size(1);
    dispatch(x, [&](auto element) {
      using T = decltype(element);
      parallel_for(0, x.size(0), kRowGrain, [&](int64_t begin, int64_t end) {
        const int64_t at = begin * width;
        kernels::rms_norm_backward(data<T>(dy) + at, data<T>(x) + at, data<T>(weight),
                                   inv_rms.data_ptr<float>() + begin, data<T>(dx) + at, end - begin,
                                   width);
      });
    });
    return {dx, at::Tensor(), at::Tensor()};
  }
};

struct SwigluNode : torch::autograd::Function<SwigluNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate,
                            const at::Tensor& up) {
    at::Tensor y = at::empty_like(gate);
    dispatch(gate, [&](auto element) {
      using T = decltype(element);
      parallel_for(0, gate.numel(), kElementGrain, [&](int64_t begin, int64_t end) {
        kernels::swiglu(data<T>(gate) + begin, data<T>(up) + begin, data<T>(y) + begin,
                        end - begin);
      });
    });
    context->save_for_backward({gate, up});
    return y;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const at::Tensor &gate = saved[0], &up = saved[1];
    const at::Tensor dy = gradients[0].contiguous();
    at::Tensor dgate = at::empty_like(gate), dup = at::empty_like(up);
    dispatch(gate, [&](auto element) {
      using T = decltype(element);
      parallel_for(0, gate.numel(), kElementGrain, [&](int64_t begin, int64_t end) {
        kernels::swiglu_backward(data<T>(dy) + begin, data<T>(gate) + begin, data<T>(up) + begin,
                                 data<T>(dgate) + begin, data<T>(dup) + begin, end - begin);
      });
    });
    return {dgate, dup};
  }
};

constexpr int64_t kHeadChunk = 256;  // rows of logits that exist at once

struct CrossEntropyNode : torch::autograd::Function<CrossEntropyNode> {
  // The gradient is made here, chunk by chunk, while the chunk's probabilities exist.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden,
                            const at::Tensor& head, double logit_scale, const at::Tensor& targets) {
    const bool wanted = hidden.requires_grad();
    at::Tensor loss = at::zeros({}, at::kDouble);
    at::Tensor dhidden = wanted ? at::empty_like(hidden) : at::Tensor();
    for (int64_t begin = 0; begin < hidden.size(0); begin += kHeadChunk) {
      const int64_t count = std::min(kHeadChunk, hidden.size(0) - begin);
      const at::Tensor wanted_ids = targets.narrow(0, begin, count).unsqueeze(1);  // [n, 1]
      at::Tensor logits =
          at::mm(hidden.narrow(0, begin, count).to(at::kFloat), head.t());  // [n, V]
      if (logit_scale != 1.0) logits.mul_(logit_scale);
      at::Tensor log_p = at::log_softmax(logits, 1);
      loss -= log_p.gather(1, wanted_ids).sum(at::kDouble);
      if (!wanted) continue;
      at::Tensor dlogits = log_p.exp_();
      dlogits.scatter_add_(1, wanted_ids, at::full({count, 1}, -1.0f));
      dhidden.narrow(0, begin, count).copy_(at::mm(dlogits, head).mul_(logit_scale));
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
  return RmsNormNode::apply(x, weight, eps);
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  return SwigluNode::apply(gate.contiguous(), up.contiguous());
}

at::Tensor geglu(const at::Tensor& gate, const at::Tensor& up) {
  return at::gelu(gate, "tanh") * up;
}

at::Tensor cross_entropy_sum(const at::Tensor& hidden, const at::Tensor& head, double logit_scale,
                             const at::Tensor& targets) {
  return CrossEntropyNode::apply(hidden, head, logit_scale, targets);
}

}  // namespace telora
