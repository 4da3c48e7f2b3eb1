"""The peer of bench/eval_vs_llamacpp.sh: greedy answers by llama.cpp, one question after the other.

Prints one JSON line. The clock runs over the questions, not over loading.
"""
import argparse
import json
import resource
import time

from llama_cpp import Llama

import questions

NEW_TOKENS = 6  # "ANSWER: B" and the end of the turn
CONTEXT = 2048


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True, help="GGUF file of the backbone")
    parser.add_argument("--adapter", help="GGUF adapter")
    parser.add_argument("--rows", required=True, help="multiple-choice rows, .jsonl.gz")
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def answer(model, row):
    reply = model.create_chat_completion(questions.messages(row), max_tokens=NEW_TOKENS, temperature=0)
    return reply["choices"][0]["message"]["content"].strip(), reply["usage"]["prompt_tokens"]


def main():
    args = arguments()
    model = Llama(args.base, lora_path=args.adapter, n_ctx=CONTEXT, n_batch=CONTEXT, n_threads=args.threads,
                  n_threads_batch=args.threads, verbose=False)
    rows = questions.drawn_rows(args.rows, args.count)
    start = time.perf_counter()
    answers = [answer(model, row) for row in rows]
    seconds = time.perf_counter() - start
    model.close()
    tokens = sum(count for _, count in answers)
    print(json.dumps({"peer": "llama.cpp", "questions": len(rows), "prompt_tokens": tokens, "seconds": seconds,
                      "questions_per_second": len(rows) / seconds, "prompt_tokens_per_second": tokens / seconds,
                      "correct": sum(text == questions.answer(row) for (text, _), row in zip(answers, rows)),
                      "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


main()
