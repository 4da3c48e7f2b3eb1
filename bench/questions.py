"""Benchmark questions as the peers ask them: the official multiple-choice prompt and the answer that counts as right."""
import gzip
import json
import random

PROMPT = ("Answer the following multiple choice question. The entire content of your response should be of the following format: "
          "'ANSWER: $LETTER' (without quotes) where LETTER is one of {letters}.\n\n{question}\n\n{choices}")
LETTERS = "ABCDEFGHIJ"


def read_rows(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def drawn_rows(path, count):
    """`count` rows of a .jsonl.gz file, always the same ones."""
    rows = read_rows(path)
    random.Random(42).shuffle(rows)
    return rows[:count]


def prompt(row):
    letters = LETTERS[: len(row["choices"])]
    choices = "\n".join(f"{letter}) {text}" for letter, text in zip(letters, row["choices"]))
    return PROMPT.format(letters=",".join(letters), question=row["question"], choices=choices)


def messages(row):
    return [{"role": "user", "content": prompt(row)}]


def answer(row):
    return f"ANSWER: {LETTERS[row['answer']]}"
