"""Ten optimizer steps of lora-train, repeated by PEFT and torch.optim.AdamW on the same rows from the same start.

Compared: the loss of each step (1e-4 relative), the gradient norm (1e-3) and what the steps changed of each adapter tensor. The
last is compared by norm (1e-2 of the change): AdamW's first steps divide each gradient by its own size, so that an element
whose gradient is mere rounding moves as far as any other.
"""
import json

import safetensors.torch
import torch

import common

STEPS = 10
BATCH = 4


def our_training(args):
    """Folder of the run, folder of the initial adapter, and the dumped batches, one object for each step."""
    run, initial = common.fresh_folder("telora-training"), common.fresh_folder("telora-initial")
    batches = common.WORK / "batches.jsonl"
    batches.unlink(missing_ok=True)
    common.program(args.bin, "lora-train", "--category", "oran-bench", "--rank", 4, "--data", "sample", "--backbone",
                   args.backbone, "--max-steps", STEPS, "--set", "precision=f32", "--set", "dropout=0", "--set",
                   f"batch_size={BATCH}", "--no-eval", "--dump-batches", batches, "--save-initial", initial, "--out", run)
    return run, initial, [json.loads(line) for line in batches.read_text().splitlines()]


def padded(rows, key, filler):
    width = max(len(row["ids"]) for row in rows)
    return torch.tensor([row[key] + [filler] * (width - len(row[key])) for row in rows])


ADAMW = dict(betas=(0.9, 0.999), eps=1e-8)


def peft_steps(model, batches, optimizer=None):
    """Trains `model` on the dumped batches; yields loss and gradient norm of each step.

    The groups of a given optimizer keep the ratios of their learning rates."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = optimizer or torch.optim.AdamW(parameters, weight_decay=0.01, **ADAMW)
    first = optimizer.param_groups[0]["lr"]
    factors = [group["lr"] / first for group in optimizer.param_groups]
    model.train()
    for batch in batches:
        mask = padded([{**row, "mask": [1] * len(row["ids"])} for row in batch["rows"]], "mask", 0)
        # The model shifts the labels itself and takes the mean over all counted tokens of the batch.
        loss = model(input_ids=padded(batch["rows"], "ids", 0), attention_mask=mask,
                     labels=padded(batch["rows"], "labels", -100)).loss
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group, factor in zip(optimizer.param_groups, factors):
            group["lr"] = batch["lr"] * factor
        optimizer.step()
        optimizer.zero_grad()
        yield loss.item(), norm.item()


def check_dump(failures, batches):
    failures.check([b["step"] for b in batches] == list(range(1, STEPS + 1)), "the dump does not hold one line for each step")
    failures.check(all(len(b["rows"]) == BATCH for b in batches), f"a dumped batch does not hold {BATCH} rows")
    rows = [row for batch in batches for row in batch["rows"]]
    failures.check(all(len(row["ids"]) == len(row["labels"]) for row in rows), "ids and labels differ in length")
    aligned = all(label in (-100, token) for row in rows for token, label in zip(row["ids"], row["labels"]))
    failures.check(aligned, "a label is neither -100 nor its own token")
    failures.check(all(any(label != -100 for label in row["labels"]) for row in rows), "a row without a counted token")
    failures.check(max(b["lr"] for b in batches) > 0, "no step has a learning rate above zero")


def compare_tensors(failures, initial, run, model):
    name = "adapter_model.safetensors"
    start, ours = safetensors.torch.load_file(initial / name), safetensors.torch.load_file(run / name)
    theirs = common.peft.get_peft_model_state_dict(model)
    failures.check(set(ours) == set(theirs) == set(start), "the adapters hold different tensors")
    worst = 0.0
    for key in set(ours) & set(theirs) & set(start):
        change = (theirs[key].detach() - start[key]).norm().item()
        failures.check(change > 0, f"{key} did not change")
        worst = max(worst, (ours[key] - theirs[key].detach()).norm().item() / max(change, 1e-30))
    print(f"adapter tensors after {STEPS} steps: differ by at most {worst:.2e} of their change (at most 1e-02)")
    failures.check(worst <= 1e-2, f"an adapter tensor differs by {worst:.2e} of its change")


def main():
    args = common.arguments(__doc__)
    run, initial, batches = our_training(args)
    failures = common.Failures()
    check_dump(failures, batches)
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    records = [record for record in records if "grad_norm" in record]
    failures.check(len(records) == STEPS, f"metrics.jsonl holds {len(records)} steps")
    model, messages = common.load_adapter(common.load_model(common.huggingface_folder(args.backbone)), initial, trainable=True)
    failures.check(not messages, f"PEFT warns of the initial adapter: {messages}")
    for record, (loss, norm) in zip(records, peft_steps(model, batches)):
        failures.close(f"step {record['step']}, loss", record["loss"], loss, 1e-4)
        failures.close(f"step {record['step']}, gradient norm", record["grad_norm"], norm, 1e-3)
    compare_tensors(failures, initial, run, model)
    failures.finish()


if __name__ == "__main__":
    main()
