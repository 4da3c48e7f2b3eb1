"""The peer of bench/train_vs_peft.sh: LoRA training with PEFT in a plain loop, the fastest way to use it on one machine.

All seven linears of a block, alpha twice the rank, loss on the answer only, AdamW, clipping at 1. Rows of like length share a
batch, so that little is spent on padding. Prints one JSON line; tokens are real ones, padding not counted.
"""
import argparse
import json
import random
import resource
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

import questions

TYPES = {"bf16": torch.bfloat16, "f32": torch.float32}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True, help="Hugging Face folder of the backbone")
    parser.add_argument("--rows", required=True, help="multiple-choice rows, .jsonl.gz")
    parser.add_argument("--dtype", choices=TYPES, default="bf16")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--steps", type=int, default=8, help="measured steps")
    parser.add_argument("--warmup", type=int, default=2, help="steps before the clock starts")
    parser.add_argument("--count", type=int, default=512, help="rows that are drawn")
    parser.add_argument("--max-length", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def encode(tokenizer, row, max_length):
    """Token ids of prompt and answer, and where the answer starts."""
    text = tokenizer.apply_chat_template(questions.messages(row), tokenize=False, add_generation_prompt=True)
    answer = f"{questions.answer(row)}{tokenizer.eos_token}\n"
    start, end = (tokenizer(part, add_special_tokens=False)["input_ids"] for part in (text, answer))
    return (start + end)[:max_length], len(start)


def batches_of(encoded, size, seed=1):
    """Rows of like length together, the batches in random order."""
    by_length = sorted(encoded, key=lambda pair: len(pair[0]))
    batches = [by_length[i : i + size] for i in range(0, len(by_length), size)]
    random.Random(seed).shuffle(batches)
    return batches


def tensors(batch, pad):
    width = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([row + [pad] * (width - len(row)) for row, _ in batch])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row, _ in batch])
    labels = ids.masked_fill(mask == 0, -100)
    for i, (_, start) in enumerate(batch):
        labels[i, :start] = -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def train(model, batches, warmup, pad):
    """Takes a step for each batch; returns tokens and seconds after the warm-up, and the losses."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=5e-4)
    tokens, start, losses = 0, time.perf_counter(), []
    for step, batch in enumerate(batches):
        if step == warmup:
            tokens, start = 0, time.perf_counter()
        inputs = {name: value.to(model.device) for name, value in tensors(batch, pad).items()}
        loss = model(**inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens += int(inputs["attention_mask"].sum())
        losses.append(loss.item())
    return tokens, time.perf_counter() - start, losses


def main():
    args = arguments()
    torch.manual_seed(42)
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    model = AutoModelForCausalLM.from_pretrained(args.base, dtype=TYPES[args.dtype])
    config = LoraConfig(r=args.rank, lora_alpha=2 * args.rank, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model.to(args.device), config).train()
    encoded = [encode(tokenizer, row, args.max_length) for row in questions.drawn_rows(args.rows, args.count)]
    batches = batches_of(encoded, args.batch)[: args.warmup + args.steps]
    tokens, seconds, losses = train(model, batches, args.warmup, tokenizer.pad_token_id)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"peer": "peft", "dtype": args.dtype, "batch": args.batch, "steps": args.steps, "tokens": tokens,
                      "seconds": seconds, "tokens_per_second": tokens / seconds, "peak_bytes": peak,
                      "first_loss": losses[0], "last_loss": losses[-1]}))


main()
