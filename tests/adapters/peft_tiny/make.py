"""Writes the adapters beside this file with PEFT 0.21.2 (torch 2.11.0, transformers 5.23.0).

Each folder holds what `save_pretrained` writes, and expected.json: for each adapted module the rank and scale that
PEFT uses and the corner values of A and B. Run: python make.py
"""
import json
import os

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

CASES = {
    "plain": dict(r=4, lora_alpha=8, lora_dropout=0.05, target_modules=LINEARS),
    "patterns": dict(
        r=4,
        lora_alpha=8,
        use_rslora=True,
        target_modules=["q_proj", "v_proj", "down_proj"],
        exclude_modules=["layers.0.self_attn.v_proj"],
        layers_to_transform=[0, 1],
        # PEFT sorts these keys when it saves, and the first match counts: keep them sorted here.
        rank_pattern={"0.mlp.down_proj": 3, r"layers\.1\..*": 2},
        alpha_pattern={"self_attn.[qv]_proj": 5},
    ),
    "all_linear_bf16": dict(r=2, lora_alpha=3, target_modules="all-linear"),
    "regex": dict(r=2, lora_alpha=2, target_modules=r".*layers\.[0-9]+\.(mlp\.(gate|up)|self_attn\.k)_proj"),
    "dora": dict(r=3, lora_alpha=7, use_dora=True, use_rslora=True, init_lora_weights="gaussian",
                 target_modules=["q_proj", "down_proj"]),
}


def base():
    torch.manual_seed(7)
    return LlamaForCausalLM(
        LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
                    num_key_value_heads=2, tie_word_embeddings=True))


def expected(model):
    out = {}
    for name, module in model.named_modules():
        if not hasattr(module, "lora_A"):
            continue
        a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
        out[name.removeprefix("base_model.model.")] = {
            "rank": module.r["default"], "scale": module.scaling["default"],
            "a": [a[0, 1].item(), a[-1, -1].item()], "b": [b[0, 1].item(), b[-1, -1].item()]}
        if module.lora_magnitude_vector:
            m = module.lora_magnitude_vector["default"].weight
            out[name.removeprefix("base_model.model.")]["m"] = [m[0].item(), m[-1].item()]
    return out


for case, arguments in CASES.items():
    model = get_peft_model(base(), LoraConfig(task_type="CAUSAL_LM", **arguments))
    model.peft_config["default"].base_model_name_or_path = "tiny-llama"
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    if case.endswith("bf16"):
        model.to(torch.bfloat16)
    folder = os.path.join(HERE, case)
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "README.md"))
    os.chmod(os.path.join(folder, "adapter_model.safetensors"), 0o644)
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump(expected(model), file, indent=1)
