#include "backbone/fused_node.h"

#include <torch/csrc/autograd/functions/utils.h>

#include <algorithm>
#include <optional>

#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

namespace {

using torch::autograd::Edge;
using torch::autograd::Node;
using torch::autograd::variable_list;

class FusedBlockNode : public Node {
 public:
  FusedBlockNode(FusedBlock block, FusedBlock::Saved saved)
      : block_(std::move(block)), saved_(std::move(saved)) {}

  // Gradients of x, the prefix' keys and values, then the parameters.
  variable_list apply(variable_list&& gradients) override {
    const at::NoGradGuard no_gradient;
    FusedBlock::Output outside{gradients[0], gradients[1], gradients[2]};
    if (!saved_) throw Error(ErrorKind::kInternal, "block: its gradient was taken before");
    const at::Tensor& x2 = saved_->x2;
    if (!outside.y.defined() && x2.defined()) outside.y = at::zeros_like(x2);
    const auto like_keys = [&](at::Tensor& gradient) {
      if (!gradient.defined()) gradient = at::zeros_like(saved_->values, at::kFloat);
    };
    if (!x2.defined()) like_keys(outside.keys), like_keys(outside.values);
    if (outside.y.defined()) outside.y = outside.y.contiguous();
    FusedBlock::Gradients g = block_.backward(outside, *saved_, task_should_compute_output(0));
    variable_list all{g.x, g.prefix_keys, g.prefix_values};
    all.insert(all.end(), g.parameters.begin(), g.parameters.end());
    return all;
  }

  void release_variables() override { saved_.reset(); }

 private:
  FusedBlock block_;
  std::optional<FusedBlock::Saved> saved_;
};

bool wants_gradient(const variable_list& inputs) {
  if (!at::GradMode::is_enabled()) return false;
  return std::ranges::any_of(inputs,
                             [](const at::Tensor& t) { return t.defined() && t.requires_grad(); });
}

}  // namespace

FusedBlock::Output run_fused_block(FusedBlock block, const BlockRows& rows, const at::Tensor& x) {
  variable_list inputs{x, rows.prefix_keys, rows.prefix_values};
  for (const at::Tensor& parameter : block.parameters()) inputs.push_back(parameter);
  const bool wanted = wants_gradient(inputs);
  FusedBlock::Saved saved;
  FusedBlock::Output output;
  {
    const at::NoGradGuard no_gradient;
    output = block.forward(x.detach(), saved);
  }
  if (!wanted) return output;
  torch::autograd::edge_list edges;
  for (const at::Tensor& input : inputs) {
    edges.push_back(input.defined() ? torch::autograd::impl::gradient_edge(input) : Edge());
  }
  // Pools without a prefix are the outputs themselves: as outputs they must be other tensors.
  const auto node = std::shared_ptr<FusedBlockNode>(
      new FusedBlockNode(std::move(block), std::move(saved)), torch::autograd::deleteNode);
  node->set_next_edges(std::move(edges));
  for (at::Tensor* out : {&output.y, &output.keys, &output.values}) {
    if (out->defined()) *out = out->detach();
    torch::autograd::set_history(*out, node);
  }
  return output;
}

}  // namespace telora
