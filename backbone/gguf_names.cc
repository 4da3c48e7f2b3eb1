#include "backbone/gguf_names.h"

#include <array>
#include <utility>

namespace telora {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kBlockNames{{
    {"input_layernorm", "attn_norm"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
}};

// Hugging Face calls the norm before the MLP "post_attention_layernorm" too, where it has no other.
std::string_view stored_module(std::string_view module, NormPlacement placement) {
  if (module == "post_attention_layernorm") {
    return placement == NormPlacement::kBefore ? "ffn_norm" : "post_attention_norm";
  }
  for (const auto& [from, to] : kBlockNames) {
    if (module == from) return to;
  }
  return {};
}

// `rest` is "3.mlp.up_proj.weight".
std::string block_name(std::string_view rest, NormPlacement placement) {
  const size_t layer_end = rest.find('.');
  const size_t suffix = rest.rfind('.');
  if (layer_end == 0 || layer_end == std::string_view::npos || suffix == layer_end) return {};
  const std::string_view module = rest.substr(layer_end + 1, suffix - layer_end - 1);
  const std::string_view stored = stored_module(module, placement);
  if (stored.empty()) return {};
  return "blk." + std::string(rest.substr(0, layer_end + 1)) + std::string(stored) +
         std::string(rest.substr(suffix));
}

}  // namespace

std::string gguf_name(std::string_view name, NormPlacement placement) {
  constexpr std::string_view kLayers = "model.layers.";
  if (name == "model.embed_tokens.weight") return "token_embd.weight";
  if (name == "model.norm.weight") return "output_norm.weight";
  if (name == "lm_head.weight") return "output.weight";
  return name.starts_with(kLayers) ? block_name(name.substr(kLayers.size()), placement)
                                   : std::string();
}

bool has_gguf_offset(std::string_view name, const DecoderSpec& spec) {
  return spec.norm_offset && name.ends_with("norm.weight");
}

bool has_gguf_row_order(std::string_view name, std::string_view architecture) {
  if (architecture != "llama" && architecture != "granite") return false;
  return name.find(".self_attn.q_proj.") != std::string_view::npos ||
         name.find(".self_attn.k_proj.") != std::string_view::npos;
}

int64_t gguf_row(int64_t row, int64_t head_dim) {
  const int64_t within = row % head_dim;
  const int64_t half = head_dim / 2;
  return row - within + 2 * (within % half) + within / half;
}

}  // namespace telora
