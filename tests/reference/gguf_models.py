"""Random tiny models as GGUF files: a transformers model written with the `gguf` package, as llama.cpp's converter lays them out.

Tensor names come from the package's own table, so none of this knows how our reader names anything.
"""
import gguf
import numpy
import torch
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

ARCHITECTURES = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "exaone4": "exaone4", "granite": "granite", "olmo2": "olmo2",
                 "gemma3_text": "gemma3"}


def architecture(config):
    return ARCHITECTURES[config.model_type]


def gguf_names(config):
    """Hugging Face parameter name to GGUF name."""
    by_name = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}
    table = gguf.get_tensor_name_map(by_name[architecture(config)], config.num_hidden_layers)

    def name_of(name):
        return table.get_name(name, try_suffixes=(".weight", ".bias"))

    return name_of


def row_order(config, name, rows):
    """Row `i` of the file is row `order[i]` of the checkpoint: llama and granite rotate pairs of neighbours."""
    order = numpy.arange(rows)
    if architecture(config) not in ("llama", "granite") or not (".q_proj." in name or ".k_proj." in name):
        return order
    heads = config.num_attention_heads if ".q_proj." in name else config.num_key_value_heads
    return order.reshape(heads, 2, rows // heads // 2).swapaxes(1, 2).reshape(-1)


def norm_offset(config, name):
    return numpy.float32(architecture(config) == "gemma3" and name.endswith("norm.weight"))


def head_dim(config):
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def add_sizes(writer, config):
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head_dim(config))
    writer.add_value_length(head_dim(config))
    writer.add_rope_dimension_count(head_dim(config))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("no_vocab")


def add_rope(writer, config):
    full = config.rope_parameters.get("full_attention", config.rope_parameters)
    writer.add_rope_freq_base(full["rope_theta"])
    if full["rope_type"] != "llama3":
        return
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    plain = full["rope_theta"] ** (-torch.arange(0, head_dim(config), 2).double() / head_dim(config))
    writer.add_tensor("rope_freqs.weight", (plain / scaled.double()).float().numpy())


def add_windows(writer, config):
    """gemma3 files say nothing of the pattern unless it is not the usual one; exaone4 files always do."""
    if "sliding_attention" not in (getattr(config, "layer_types", None) or []):
        return
    local = [kind == "sliding_attention" for kind in config.layer_types]
    writer.add_sliding_window(config.sliding_window)
    if architecture(config) == "exaone4" or local != [(i + 1) % 6 != 0 for i in range(len(local))]:
        writer.add_sliding_window_pattern(local)


def add_multipliers(writer, config):
    if architecture(config) != "granite":
        return
    writer.add_embedding_scale(config.embedding_multiplier)
    writer.add_residual_scale(config.residual_multiplier)
    writer.add_attention_scale(config.attention_multiplier)
    writer.add_logit_scale(config.logits_scaling)


def stored_parameters(model):
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    return {name: tensor for name, tensor in model.state_dict().items() if name not in tied}


def add_tensors(writer, model):
    name_of = gguf_names(model.config)
    for name, tensor in stored_parameters(model).items():
        values = tensor.float().numpy()
        values = values[row_order(model.config, name, len(values))] + norm_offset(model.config, name)
        writer.add_tensor(name_of(name), values)


def write_gguf(model, path):
    """All values F32."""
    config = model.config
    writer = gguf.GGUFWriter(path, architecture(config))
    add_sizes(writer, config)
    add_windows(writer, config)
    add_multipliers(writer, config)
    add_rope(writer, config)
    add_tensors(writer, model)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@torch.no_grad()
def load_gguf_weights(model, path):
    """Puts the values of a GGUF file, dequantised by the package, into a transformers model."""
    name_of = gguf_names(model.config)
    found = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    for name, parameter in stored_parameters(model).items():
        tensor = found[name_of(name)]
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(parameter.shape)
        restored = numpy.empty_like(values)
        restored[row_order(model.config, name, len(values))] = values - norm_offset(model.config, name)
        parameter.copy_(torch.from_numpy(restored))
