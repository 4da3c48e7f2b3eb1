"""The peer of bench/tokenizer_vs_hf.sh: Hugging Face tokenizers on the lines of some files.

Prints one JSON line: megabytes a second of one thread's processor time, and of encode_batch on all threads by the clock; medians
of --repeats.
"""
import argparse
import gzip
import json
import os
import statistics
import time

os.environ["TOKENIZERS_PARALLELISM"] = "true"

from tokenizers import Tokenizer


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("files", nargs="+", help="a text a line; .gz or plain")
    return parser.parse_args()


def read_lines(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as file:
        return [line.rstrip("\n") for line in file]


def median_seconds(clock, repeats, work):
    seconds = []
    for _ in range(repeats):
        start = clock()
        work()
        seconds.append(clock() - start)
    return statistics.median(seconds)


def main():
    args = arguments()
    tokenizer = Tokenizer.from_file(args.tokenizer)
    texts = [line for path in args.files for line in read_lines(path)]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    tokens = sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)
    one = median_seconds(time.process_time, args.repeats,
                         lambda: [tokenizer.encode(text, add_special_tokens=False) for text in texts])
    batch = median_seconds(time.perf_counter, args.repeats, lambda: tokenizer.encode_batch(texts, add_special_tokens=False))
    print(json.dumps({"peer": "tokenizers", "texts": len(texts), "megabytes": megabytes, "text_tokens": tokens,
                      "megabytes_per_second_of_one_thread": megabytes / one, "megabytes_per_second_of_a_batch": megabytes / batch}))


main()
