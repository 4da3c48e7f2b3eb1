"""The same questions for both sides of an evaluation benchmark.

DIR/data/<file of --rows> gets five times --count rows: lora-eval draws its parts from them (--split-method py --split-seed 42) and
answers the test part. DIR/questions.jsonl.gz gets those --count test rows for the peer.
"""
import argparse
import gzip
import json
import random
from pathlib import Path

import questions


def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True, help="multiple-choice rows, .jsonl.gz")
    parser.add_argument("--count", type=int, required=True, help="questions to answer")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rows = questions.drawn_rows(args.rows, 5 * args.count)
    order = list(range(len(rows)))
    random.Random(42).shuffle(order)  # as data/split.cc does for `py`: the test part is the last fifth
    write_rows(args.out / "data" / args.rows.name, rows)
    write_rows(args.out / "questions.jsonl.gz", [rows[i] for i in order[4 * len(rows) // 5 :]])


main()
