"""The peer of bench/eval_vs_transformers.sh: greedy answers by transformers, in padded batches of questions of like length.

Prints one JSON line. The clock runs from rendered prompts to decoded answers: tokenising and generating, not loading.
"""
import argparse
import json
import resource
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import questions

TYPES = {"bf16": torch.bfloat16, "f32": torch.float32}
NEW_TOKENS = 6  # "ANSWER: B" and the end of the turn


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True, help="Hugging Face folder of the backbone")
    parser.add_argument("--adapter", help="PEFT folder")
    parser.add_argument("--rows", required=True, help="multiple-choice rows, .jsonl.gz")
    parser.add_argument("--dtype", choices=TYPES, default="bf16")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def load(args):
    model = AutoModelForCausalLM.from_pretrained(args.base, dtype=TYPES[args.dtype])
    if args.adapter:
        from peft import PeftModel
        model = PeftModel.from_pretrained(model, args.adapter)
    return model.eval()


def answer_all(model, tokenizer, texts, size):
    """Answers in the order of `texts`, and the number of prompt tokens."""
    answers, tokens = [None] * len(texts), 0
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for begin in range(0, len(order), size):
        batch = order[begin : begin + size]
        inputs = tokenizer([texts[i] for i in batch], return_tensors="pt", padding=True, add_special_tokens=False)
        output = model.generate(**inputs, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=tokenizer.pad_token_id)
        new = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        tokens += int(inputs["attention_mask"].sum())
        for i, text in zip(batch, new):
            answers[i] = text.strip()
    return answers, tokens


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.base, padding_side="left")
    model = load(args)
    rows = questions.drawn_rows(args.rows, args.count)
    texts = [tokenizer.apply_chat_template(questions.messages(row), tokenize=False, add_generation_prompt=True) for row in rows]
    start = time.perf_counter()
    with torch.inference_mode():
        answers, tokens = answer_all(model, tokenizer, texts, args.batch)
    seconds = time.perf_counter() - start
    print(json.dumps({"peer": "transformers", "dtype": args.dtype, "batch": args.batch, "questions": len(rows), "prompt_tokens": tokens, "seconds": seconds,
                      "questions_per_second": len(rows) / seconds, "prompt_tokens_per_second": tokens / seconds,
                      "correct": sum(text == questions.answer(row) for text, row in zip(answers, rows)),
                      "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


main()
