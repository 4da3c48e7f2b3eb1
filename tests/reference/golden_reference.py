"""The golden numbers of the tiny Llama models (tests/golden) are those of transformers and torch's autograd, in double precision.

Weights follow the formula of tests/golden/tiny_models.h, for the model and for a LoRA of rank 2 and alpha 4 on every linear.
"""
import common  # first: it skips where torch is missing
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

TOKENS = [3, 1, 4, 1, 5, 9, 2, 6]
SIZES = dict(hidden_size=32, num_attention_heads=4, num_key_value_heads=2, head_dim=8, intermediate_size=48,
             num_hidden_layers=2, vocab_size=40, max_position_embeddings=64, rms_norm_eps=1e-5)
SCALING = dict(rope_type="llama3", rope_theta=100.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
               original_max_position_embeddings=32)
GRADIENTS = ["0.self_attn.q_proj.lora_A:0", "0.self_attn.k_proj.lora_B:5", "0.mlp.gate_proj.lora_B:0",
             "1.mlp.down_proj.lora_A:7", "1.self_attn.v_proj.lora_B:3"]
# Model settings; then for the base and with the LoRA: logits 0-2 at the last position and the loss; then GRADIENTS of that loss.
MODELS = {
    "llama": (dict(rope_theta=10000.0, tie_word_embeddings=False),
              ([0.30665088, -0.54836942, 0.05339460], 4.115941192), ([-0.31150689, -0.25864631, 0.30164880], 4.780230243),
              [0.06105085, -0.08605044, 0.01362683, 0.03955019, -0.17001509]),
    "llama with llama3 scaling": (dict(rope_parameters=SCALING, tie_word_embeddings=True),
                                  ([0.54786028, 0.50457961, 0.55964099], 3.738945621),
                                  ([0.26255732, 0.34282891, 0.87492262], 3.849232483),
                                  [0.03221483, -0.07904067, 0.01306529, -0.01026579, 0.08836452]),
}


def formula(name, shape):
    count = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
    values = (7919 * sum(name.encode()) + 104729 * count + 31 * count**2) % 65536
    return ((values - 32768).double() / 131072 + name.endswith("norm.weight")).reshape(shape)


def fill(model, file_name):
    """Sets each parameter by the formula, under the name that it has in a checkpoint."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if file_name(name):
                parameter.copy_(formula(file_name(name), parameter.shape))


def run(model):
    output = model(input_ids=torch.tensor([TOKENS]), labels=torch.tensor([TOKENS]))
    return output.logits[0, -1, :3].detach().numpy(), output.loss


def adapted(model):
    config = LoraConfig(r=2, lora_alpha=4, target_modules=common.LINEARS, task_type="CAUSAL_LM")
    model = get_peft_model(model, config, autocast_adapter_dtype=False)
    fill(model, lambda name: name.replace(".default", "") if "lora_" in name else None)
    return model


def main():
    failures = common.Failures()
    torch.set_default_dtype(torch.float64)
    for name, (settings, base, lora, gradients) in MODELS.items():
        model = LlamaForCausalLM(LlamaConfig(**SIZES, **settings)).double()
        fill(model, lambda parameter: parameter)
        logits, loss = run(model)
        failures.close(f"{name}, logits", base[0], logits, 1e-5)
        failures.close(f"{name}, loss", base[1], loss.item(), 1e-7)
        model = adapted(model)
        logits, loss = run(model)
        failures.close(f"{name} with LoRA, logits", lora[0], logits, 1e-5)
        failures.close(f"{name} with LoRA, loss", lora[1], loss.item(), 1e-7)
        loss.backward()
        parameters = dict(model.named_parameters())
        for place, golden in zip(GRADIENTS, gradients):
            path, index = place.split(":")
            gradient = parameters[f"base_model.model.model.layers.{path}.default.weight"].grad.flatten()[int(index)]
            failures.close(f"{name}, gradient of {place}", golden, gradient.item(), 1e-5)
    failures.finish()


main()
