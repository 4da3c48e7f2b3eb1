"""Random tiny models of every family that llama.cpp and transformers both run."""
import common
from transformers import AutoModelForCausalLM, CONFIG_MAPPING

SIZES = dict(hidden_size=48, num_attention_heads=4, num_key_value_heads=2, intermediate_size=80, num_hidden_layers=3,
             vocab_size=99, max_position_embeddings=256, initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=2)
THETA = dict(rope_parameters=dict(rope_type="default", rope_theta=5000.0))
LLAMA3 = dict(rope_parameters=dict(rope_type="llama3", rope_theta=500.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                   original_max_position_embeddings=32))
TIED, UNTIED = dict(tie_word_embeddings=True), dict(tie_word_embeddings=False)
MULTIPLIERS = dict(embedding_multiplier=12.0, residual_multiplier=0.22, attention_multiplier=0.1, logits_scaling=8.0)
FULL = dict(sliding_window=None, sliding_window_pattern=None)
LOCAL_THETA = dict(rope_parameters=dict(full_attention=dict(rope_type="default", rope_theta=1e6),
                                        sliding_attention=dict(rope_type="default", rope_theta=1e4)))
# llama.cpp takes exactly 64 layers for the hybrid EXAONE 4 and 62 for Gemma 3 27B, which scales its attention differently.
MODELS = [
    ("llama", "llama", dict(head_dim=14, **THETA, **UNTIED)),
    ("llama, biases and Llama 3 frequencies", "llama", dict(attention_bias=True, mlp_bias=True, **LLAMA3, **TIED)),
    ("qwen2", "qwen2", dict(**THETA, **TIED)),
    ("qwen2, untied, one key head", "qwen2", dict(num_key_value_heads=1, **THETA, **UNTIED)),
    ("qwen3", "qwen3", dict(head_dim=20, **THETA, **TIED)),
    ("qwen3, untied, ungrouped", "qwen3", dict(head_dim=10, num_key_value_heads=4, **THETA, **UNTIED)),
    ("exaone4", "exaone4", dict(layer_types=["full_attention"] * 3, **FULL, **LLAMA3, **TIED)),
    ("exaone4, hybrid", "exaone4", dict(sliding_window=4, sliding_window_pattern=4, num_hidden_layers=64, **LLAMA3, **UNTIED)),
    ("granite", "granite", dict(**THETA, **TIED, **MULTIPLIERS)),
    ("granite, untied", "granite", dict(head_dim=12, **THETA, **UNTIED, **MULTIPLIERS)),
    ("olmo2", "olmo2", dict(**THETA, **UNTIED)),
    ("olmo2, ungrouped", "olmo2", dict(num_key_value_heads=4, **THETA, **UNTIED)),
    ("gemma3", "gemma3_text", dict(head_dim=18, num_hidden_layers=7, query_pre_attn_scalar=18, sliding_window=5, **LOCAL_THETA, **TIED)),
    ("gemma3, pattern in the file", "gemma3_text",
     dict(head_dim=8, num_key_value_heads=1, query_pre_attn_scalar=8, sliding_window=5, **LOCAL_THETA, **TIED,
          layer_types=["sliding_attention", "full_attention", "sliding_attention"])),
    ("gemma3, 62 layers", "gemma3_text",
     dict(head_dim=8, num_hidden_layers=62, query_pre_attn_scalar=12, sliding_window=5, **LOCAL_THETA, **TIED)),
]


def near(name):
    """How near llama.cpp comes: it reads GELU from a table of half floats, whose error grows with the layers."""
    return {"gemma3": 2e-3, "gemma3, 62 layers": 5e-3}.get(name, 1e-3)


def make_model(model_type, settings, generator):
    config = CONFIG_MAPPING[model_type](**{**SIZES, **settings})
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    common.randomise(model, generator)
    return model
