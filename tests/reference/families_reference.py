"""Random tiny models of every family, made and saved by transformers: logits and losses of `lora-inspect logits` are equal.

Every norm, bias and matrix is random, heads have unusual lengths, keys are grouped; tied and untied heads, one file and shards,
float32 and bfloat16 files. Each model also carries random adapters of every kind that PEFT saved.
"""
import common  # first: it skips where torch is missing
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, CONFIG_MAPPING

SIZES = dict(hidden_size=48, num_attention_heads=4, num_key_value_heads=2, intermediate_size=80, num_hidden_layers=3,
             vocab_size=99, max_position_embeddings=256, initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=2)
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
THETA = dict(rope_type="default", rope_theta=5000.0)
MULTIPLIERS = dict(embedding_multiplier=12.0, residual_multiplier=0.22, attention_multiplier=0.1, logits_scaling=8.0)
WINDOWS = dict(sliding_window=5, rope_parameters=dict(full_attention=dict(rope_type="default", rope_theta=1e6),
                                                      sliding_attention=dict(rope_type="default", rope_theta=1e4)))
# Name, model_type, settings of its own, type of the file, bytes a shard.
MODELS = [
    ("llama", "llama", dict(head_dim=14, rope_parameters=THETA), "float32", "1GB"),
    ("llama, biases and scaling", "llama", dict(attention_bias=True, mlp_bias=True, rope_parameters=LLAMA3,
                                                tie_word_embeddings=True), "bfloat16", "40KB"),
    ("qwen2", "qwen2", dict(rope_parameters=THETA, tie_word_embeddings=True), "bfloat16", "1GB"),
    ("qwen2, untied", "qwen2", dict(rope_parameters=THETA, num_key_value_heads=1), "float32", "40KB"),
    ("qwen3", "qwen3", dict(head_dim=20, rope_parameters=THETA, tie_word_embeddings=True), "bfloat16", "1GB"),
    ("qwen3, untied", "qwen3", dict(head_dim=10, rope_parameters=THETA, attention_bias=True), "float32", "40KB"),
    ("exaone4", "exaone4", dict(sliding_window=None, sliding_window_pattern=None, rope_parameters=LLAMA3,
                                layer_types=["full_attention"] * 3, tie_word_embeddings=True), "bfloat16", "1GB"),
    ("exaone4, hybrid", "exaone4", dict(sliding_window=4, sliding_window_pattern=4, num_hidden_layers=5, rope_parameters=LLAMA3),
     "float32", "1GB"),
    ("granite", "granite", dict(rope_parameters=THETA, tie_word_embeddings=True, **MULTIPLIERS), "bfloat16", "1GB"),
    ("granite, untied", "granite", dict(rope_parameters=THETA, attention_bias=True, mlp_bias=True, **MULTIPLIERS), "float32", "40KB"),
    ("granite 4, dense", "granitemoehybrid", dict(rope_parameters=THETA, layer_types=["full_attention"] * 3, num_local_experts=0,
                                                  num_experts_per_tok=0, position_embedding_type="rope", shared_intermediate_size=72,
                                                  mamba_n_heads=8, mamba_d_head=12, tie_word_embeddings=True, **MULTIPLIERS),
     "bfloat16", "1GB"),
    ("olmo2", "olmo2", dict(rope_parameters=THETA), "bfloat16", "40KB"),
    ("olmo2, tied", "olmo2", dict(rope_parameters=THETA, attention_bias=True, tie_word_embeddings=True), "float32", "1GB"),
    ("gemma3", "gemma3_text", dict(head_dim=18, num_hidden_layers=7, query_pre_attn_scalar=30, **WINDOWS), "bfloat16", "1GB"),
    ("gemma3, short pattern", "gemma3_text", dict(head_dim=8, num_key_value_heads=1, query_pre_attn_scalar=8, attention_bias=True,
                                                  layer_types=["sliding_attention", "full_attention", "sliding_attention"],
                                                  **WINDOWS), "float32", "40KB"),
]


def make_model(model_type, settings, dtype, shard, folder, generator):
    config = CONFIG_MAPPING[model_type](**{**SIZES, **settings})
    model = AutoModelForCausalLM.from_config(config)
    common.randomise(model, generator)
    model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=shard)
    return common.load_model(folder)


@torch.no_grad()
def randomise_adapter(model, generator):
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "magnitude" in name:
            parameter.mul_(1 + 0.2 * noise)
        elif "lora_" in name:
            parameter.add_(0.1 * noise)


VARIANTS = {
    "all-linear": {},
    "subset": dict(target_modules=["v_proj", "o_proj"], exclude_modules=["layers.1.self_attn.v_proj"]),
    "expression": dict(target_modules=r".*layers\.[02]\.self_attn\.[qk]_proj"),
    "some blocks": dict(target_modules=["q_proj", "v_proj"], layers_to_transform=[0, 2], layers_pattern="layers"),
    "rsLoRA and patterns": dict(use_rslora=True, rank_pattern={"k_proj": 2, r"layers\.1\..*": 5}, alpha_pattern={"o_proj": 3}),
    "DoRA": dict(use_dora=True),
    "DoRA, rsLoRA and patterns": dict(use_dora=True, use_rslora=True, rank_pattern={"q_proj": 2}, alpha_pattern={"v_proj": 9}),
    "PiSSA": dict(init_lora_weights="pissa", rank_pattern={"o_proj": 2}),
    "PiSSA, randomised": dict(init_lora_weights="pissa_niter_4", use_rslora=True),
    "OLoRA": dict(init_lora_weights="olora", alpha_pattern={"k_proj": 9}),
}


def add_adapter(model, variant, folder, generator):
    """A random adapter of the variant. PiSSA and OLoRA change `model`; what is saved fits the model as it was."""
    config = LoraConfig(**{**dict(r=3, lora_alpha=5, target_modules="all-linear", task_type="CAUSAL_LM"), **variant})
    init = config.init_lora_weights
    model = get_peft_model(model, config)
    conversion = {}
    if init is not True:
        start = common.fresh_folder("family-start")
        model.peft_config["default"].init_lora_weights = True
        model.save_pretrained(start)
        model.peft_config["default"].init_lora_weights = init
        conversion = dict(path_initial_model_for_weight_conversion=str(start))
    randomise_adapter(model, generator)
    model.save_pretrained(folder, **conversion)
    return model.eval()


def main():
    args = common.arguments(__doc__)
    failures = common.Failures()
    generator = torch.Generator().manual_seed(11)
    torch.manual_seed(12)
    for name, model_type, settings, dtype, shard in MODELS:
        folder = common.fresh_folder("family")
        model = make_model(model_type, settings, dtype, shard, folder, generator)
        rows = common.token_rows(model.config.vocab_size, lengths=(1, 3, 40))
        for row in rows:
            common.compare_logits(failures, f"{name}, {len(row)} tokens", common.our_logits(args.bin, folder, row),
                                  common.reference_logits(model, row))
        base = common.reference_logits(model, rows[-1])["logits_last"]
        for variant, settings in VARIANTS.items():
            adapter = common.fresh_folder("family-adapter")
            theirs = common.reference_logits(add_adapter(common.load_model(folder), settings, adapter, generator), rows[-1])
            failures.check(abs(theirs["logits_last"] - base).max() > 0.01 * abs(base).max(), f"{name}, {variant}: no effect")
            common.compare_logits(failures, f"{name}, {variant}", common.our_logits(args.bin, folder, rows[-1], adapter), theirs)
    failures.finish()


main()
