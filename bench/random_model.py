"""A Hugging Face folder with the true shapes of a published model and random weights, for benchmarks without its download.

The tokenizer is copied from another folder; its ids are a part of the model's vocabulary. Prints the floating-point operations that one
token of LoRA training costs in the frozen linears: two a weight forward, two for the gradient that goes on to the input.
"""
import argparse
import shutil
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen3Config

SHAPES = {
    "llama-3.2-1b": lambda: LlamaConfig(
        vocab_size=128256, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8,
        head_dim=64, max_position_embeddings=131072, rms_norm_eps=1e-5, tie_word_embeddings=True, rope_theta=500000.0,
        rope_scaling={"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                      "original_max_position_embeddings": 8192}),
    "qwen3-0.6b": lambda: Qwen3Config(
        vocab_size=151936, hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16, num_key_value_heads=8,
        head_dim=128, max_position_embeddings=40960, rms_norm_eps=1e-6, tie_word_embeddings=True, rope_theta=1000000.0),
}
TOKENIZER = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder whose tokenizer files are copied")
    parser.add_argument("--layers", type=int, help="fewer blocks than the model has, for a trial")
    args = parser.parse_args()
    config = SHAPES[args.shape]()
    if args.layers:
        config.num_hidden_layers = args.layers
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[: args.layers]
    if not (args.out / "model.safetensors").exists():
        torch.manual_seed(42)
        AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(args.out)
        for name in TOKENIZER:
            if (args.tokenizer / name).exists():
                shutil.copy(args.tokenizer / name, args.out)
    attention = config.hidden_size * config.head_dim * 2 * (config.num_attention_heads + config.num_key_value_heads)
    linears = config.num_hidden_layers * (attention + 3 * config.hidden_size * config.intermediate_size)
    print(4 * linears)


main()
