"""An adapter written by PEFT gives the same logits here, and one written by lora-train gives the same logits in PEFT."""
import peft
import safetensors.torch
import torch

import common

ROW = 60  # tokens


def random_adapter(folder):
    """A PEFT adapter with both matrices random, so that its delta is far from zero."""
    torch.manual_seed(3)
    config = peft.LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    model = peft.get_peft_model(common.load_model(folder), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    path = common.fresh_folder("peft-random")
    model.save_pretrained(path)
    return model.eval(), path


def check_theirs(failures, args, folder, row):
    base = common.reference_logits(common.load_model(folder), row)
    model, adapter = random_adapter(folder)
    theirs = common.reference_logits(model, row)
    difference = abs(theirs["logits_last"] - base["logits_last"]).max() / abs(base["logits_last"]).max()
    failures.check(difference > 0.1, f"the random adapter changes the logits only by {difference:.1e}")
    ours = common.our_logits(args.bin, args.backbone, row, adapter)
    common.compare_logits(failures, "adapter by PEFT", ours, theirs)


def check_ours(failures, args, folder, row):
    adapter = common.fresh_folder("telora-short")
    common.program(args.bin, "lora-train", "--category", "oran-bench", "--rank", 4, "--data", "sample", "--backbone",
                   args.backbone, "--max-steps", 10, "--set", "precision=f32", "--no-eval", "--out", adapter)
    model, messages = common.load_adapter(common.load_model(folder), adapter)
    failures.check(not messages, f"PEFT warns of the adapter: {messages}")
    written = set(safetensors.torch.load_file(adapter / "adapter_model.safetensors"))
    wanted = set(peft.get_peft_model_state_dict(model))
    failures.check(written == wanted, f"missing tensors {sorted(wanted - written)[:3]}, unexpected {sorted(written - wanted)[:3]}")
    failures.check(len(wanted) == 2 * len(common.LINEARS) * model.config.num_hidden_layers, f"{len(wanted)} tensors")
    trained = sum(p.abs().sum().item() for n, p in model.named_parameters() if "lora_B" in n)
    failures.check(trained > 0, "ten steps left every lora_B zero")
    theirs = common.reference_logits(model.eval(), row)
    common.compare_logits(failures, "adapter by lora-train", common.our_logits(args.bin, args.backbone, row, adapter), theirs)


def main():
    args = common.arguments(__doc__)
    folder = common.huggingface_folder(args.backbone)
    failures = common.Failures()
    row = common.token_rows(common.load_model(folder).config.vocab_size, (ROW,))[0]
    check_theirs(failures, args, folder, row)
    check_ours(failures, args, folder, row)
    failures.finish()


main()
