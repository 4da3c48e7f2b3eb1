"""What lora-export writes, in the runtimes it is for: PEFT, llama.cpp with a GGUF adapter, transformers and llama.cpp on merged models.

Random tiny models of every family with random adapters that PEFT saved; the logits of every position must be those of PEFT.
"""
import shutil

import common  # first: it skips where torch is missing
import torch
from peft import LoraConfig, PeftModel, get_peft_model

import gguf_models
import tiny_models
from llama_runtime import LlamaCpp, start

ADAPTERS = {
    "plain": {},
    "rsLoRA": dict(use_rslora=True),
    "patterns": dict(use_rslora=True, rank_pattern={"k_proj": 2, r"layers\.1\..*": 5}, alpha_pattern={"o_proj": 3, "up_proj": 11}),
    "attention only": dict(target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]),
}
DORA = dict(use_dora=True, use_rslora=True, alpha_pattern={"v_proj": 9})
# Of the greatest logit, for files that are not float32.
ROUNDED = {"f16": 1e-2, "bf16": 0.1, "q8_0": 0.1}
LAYERS = 8  # larger models are only about windows


@torch.no_grad()
def make_adapter(folder, base, variant, generator):
    """A random adapter as PEFT saves it, and the model with it."""
    config = LoraConfig(**{**dict(r=4, lora_alpha=6, target_modules="all-linear", task_type="CAUSAL_LM"), **variant})
    model = get_peft_model(common.load_model(base), config)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "magnitude" in name:
            parameter.mul_(1 + 0.2 * noise)
        elif "lora_" in name:
            parameter.add_(0.1 * noise)
    model.save_pretrained(folder)
    return model.eval()


@torch.inference_mode()
def logits_of(model, tokens):
    return model(input_ids=torch.tensor([tokens])).logits[0].float().numpy()


class Case:
    """One adapter of one model: what PEFT says, and our exports of it."""

    def __init__(self, args, failures, name, folder, gguf_file, adapter, model, tokens):
        self.args, self.failures, self.name = args, failures, name
        self.folder, self.gguf, self.adapter, self.tokens = folder, gguf_file, adapter, tokens
        self.wanted = logits_of(model, tokens)

    def export(self, kind, base, type_name=None):
        out = common.fresh_folder("exported" if kind in ("peft", "merged") else "exported.gguf")
        if out.is_file():
            out.unlink()
        options = ["--type", type_name] if type_name else []
        common.program(self.args.bin, "lora-export", kind, "--adapter", self.adapter, "--backbone", base, "--out", out,
                       "--no-verify", "--quiet", *options)
        return out

    def close(self, what, found, tolerance):
        self.failures.close(f"{self.name}, {what}", found, self.wanted, tolerance)

    def in_peft(self, type_name=None):
        out = self.export("peft", self.folder, type_name)
        return logits_of(PeftModel.from_pretrained(common.load_model(self.folder), out).eval(), self.tokens)

    def in_llamacpp(self, type_name=None):
        runtime = LlamaCpp(self.gguf)
        found = runtime.logits(self.tokens, self.export("gguf", self.gguf, type_name))
        runtime.close()
        return found

    def merged_in_transformers(self, type_name=None, base=None):
        """From the Hugging Face folder, or from another base: the GGUF file."""
        return logits_of(common.load_model(self.export("merged", base or self.folder, type_name)), self.tokens)

    def merged_in_llamacpp(self, type_name=None, base=None):
        """From the GGUF base, or from another: the Hugging Face folder."""
        runtime = LlamaCpp(self.export("merged-gguf", base or self.gguf, type_name))
        found = runtime.logits(self.tokens)
        runtime.close()
        return found


def check_exact(case, near):
    case.close("PEFT folder in PEFT", case.in_peft(), 1e-6)
    case.close("GGUF adapter in llama.cpp", case.in_llamacpp(), near)
    case.close("merged folder in transformers", case.merged_in_transformers(), 1e-4)
    case.close("merged folder of the GGUF file in transformers", case.merged_in_transformers(base=case.gguf), 1e-4)
    case.close("merged GGUF in llama.cpp", case.merged_in_llamacpp(), near)
    case.close("merged GGUF of the folder in llama.cpp", case.merged_in_llamacpp(base=case.folder), near)


def check_rounded(case):
    for type_name, tolerance in ROUNDED.items():
        case.close(f"GGUF adapter as {type_name}", case.in_llamacpp(type_name), tolerance)
        case.close(f"merged GGUF as {type_name}", case.merged_in_llamacpp(type_name), tolerance)
        if type_name != "q8_0":
            case.close(f"PEFT folder as {type_name}", case.in_peft(type_name), tolerance)
            case.close(f"merged folder as {type_name}", case.merged_in_transformers(type_name), tolerance)


def check_dora(case, near):
    case.close("DoRA, PEFT folder in PEFT", case.in_peft(), 1e-6)
    case.close("DoRA, merged folder in transformers", case.merged_in_transformers(), 1e-4)
    case.close("DoRA, merged GGUF in llama.cpp", case.merged_in_llamacpp(), near)


def main():
    args = common.arguments(__doc__)
    start()
    failures = common.Failures()
    generator = torch.Generator().manual_seed(21)
    torch.manual_seed(22)
    for name, model_type, settings in tiny_models.MODELS:
        model = tiny_models.make_model(model_type, settings, generator)
        if model.config.num_hidden_layers > LAYERS:
            continue
        folder, gguf_file = common.fresh_folder("export-base"), common.WORK / "export-base.gguf"
        model.save_pretrained(folder)
        gguf_models.write_gguf(model, gguf_file)
        tokens, adapter = common.token_rows(model.config.vocab_size, lengths=(40,))[0], common.WORK / "export-adapter"
        for kind, variant in {**ADAPTERS, "DoRA": DORA}.items():
            shutil.rmtree(adapter, ignore_errors=True)
            adapted = make_adapter(adapter, folder, variant, generator)
            case = Case(args, failures, f"{name}, {kind}", folder, gguf_file, adapter, adapted, tokens)
            failures.check(abs(case.wanted - logits_of(model, tokens)).max() > 0.01 * abs(case.wanted).max(), f"{case.name}: no effect")
            if kind == "DoRA":
                check_dora(case, tiny_models.near(name))
            else:
                check_exact(case, tiny_models.near(name))
            if name == "llama" and kind == "patterns":
                check_rounded(case)
    failures.finish()


main()
