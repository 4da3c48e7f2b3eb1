"""Token ids of lora-inspect equal those of the Hugging Face tokenizers library, for the GGUF file and for tokenizer.json folders.

tokenizer_reference.py PATH_OF_LORA_INSPECT BACKBONE.gguf DATA_FOLDER
"""

import gzip
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import gguf  # noqa: F401 (needed by make_smollm2_tokens)
    from tokenizers import Tokenizer
except ImportError as error:
    print(f"SKIP: {error}; tools/setup.sh --reference installs the references")
    sys.exit(77)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
import make_smollm2_tokens as golden  # noqa: E402

POOLS = [
    "½²Ⅷ٣१⅓①𝟘৪௰",
    "\u0301\u0308\u20e3\u093f\u0e31",
    "😀👩\u200d👧🇩🇪🦙❤️",
    "\r\n\t \u00a0\u2003\u3000\u0085\x0b\x0c\u180e\u2028\u200b\ufeff",
    "abcxyzABC_",
    "0123456789",
    "!?.,;:-_()[]{}<>|/\\\"'`~@#$%^&*+=",
    "漢字かなカナ한글",
    "éüßñçøåÅ",
    "\x00\x01\x04\x06\x13\x14\x16\x1d\x7f",
    "ſKǅǈʰªºﬁ",
    "مرحباहिन्दीViệt€₿‿",
]
WORDS = [
    "'s",
    "'t",
    "'re",
    "'ve",
    "'m",
    "'ll",
    "'d",
    "'S",
    "'RE",
    "'ſ",
    "<|im_start|>",
    "<|im_end|>",
    "<|im_",
    "<file_sep>",
    " the",
    "<think>",
    "  <think> ",
]
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def code_points(rng, count):
    """Characters of all planes (surrogates are no characters)."""
    ranges = [
        range(0x80),
        range(0x800),
        range(0x3000),
        range(0xD800),
        range(0xE000, 0x10D40),
        range(0x1E000, 0x1FB00),
        range(0x20000, 0x2A6E0),
        range(0xF0000, 0x110000),
    ]
    return "".join(chr(rng.choice(rng.choice(ranges))) for _ in range(count))


def fuzz_text(rng):
    length = rng.randint(1, 60)
    if rng.random() < 0.5:
        return code_points(rng, length)
    picks = (rng.choice(WORDS) if rng.random() < 0.2 else rng.choice(rng.choice(POOLS)) for _ in range(length))
    return "".join(pick * rng.choice([1, 1, 1, 2, 3, 5]) for pick in picks)


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


# The official prompt (for classes it is the question itself) inside SmolLM2's chat template, as training and scoring see it.
LETTERS = ("Answer the following multiple choice question. The entire content of your response should be of the following format: "
           "'ANSWER: $LETTER' (without quotes) where LETTER is one of %s.\n\n%s\n\n%s")
CHAT = ("<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\n%s<|im_end|>\n"
        "<|im_start|>assistant\n")


def official_prompt(row):
    if "choices" not in row:
        return row["question"]
    letters = "ABCDEFGHIJ"[:len(row["choices"])]
    choices = "\n".join(f"{letter}) {text}" for letter, text in zip(letters, row["choices"]))
    return LETTERS % (",".join(letters), row["question"], choices)


def data_texts(folder):
    """All texts of each row joined, so that every question, option, table and answer is there."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as rows:
            for row in map(json.loads, rows):
                yield "\n".join(strings(row))
                yield CHAT % official_prompt(row)


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def variants(reference):
    """Folders that share the vocabulary and differ in what decides ids besides it."""
    steps = {
        "as it is": None,
        "llama 3": [split(LLAMA3)],
        "qwen 2": [split(LLAMA3.replace("{1,3}", ""))],
        "digit runs": [{"type": "Digits", "individual_digits": False}],
    }
    for behavior in ["Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"]:
        for invert in [False, True]:
            steps[f"{behavior}, invert {invert}"] = [split(r"\p{N}| |x*", behavior, invert)]
    for name, rules in steps.items():
        content = json.loads(reference.to_str())
        if rules:
            content["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [*rules, BYTES]}
        yield name, content
    content["pre_tokenizer"] = json.loads(reference.to_str())["pre_tokenizer"]
    content["model"].update(ignore_merges=True, unk_token="<|endoftext|>", fuse_unk=True)
    first = len(content["model"]["vocab"])
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    for i, (text, own) in enumerate(
        {"<think>": {"lstrip": True}, "漢": {"single_word": True}, "é": {"normalized": True, "rstrip": True}}.items()
    ):
        content["added_tokens"].append({"id": content["model"]["vocab"].get(text, first + i), "content": text, **flags, **own})
    yield "added tokens and unknown bytes", content


def our_ids(program, backbone, texts):
    """The ids of each text; the file is .jsonl (a JSON string a line), since texts hold line feeds."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(text) + "\n" for text in texts)
        file.flush()
        command = [program, "tokens", "--backbone", str(backbone), file.name, "--json"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) == len(texts), f"{len(lines)} lines for {len(texts)} texts"
    return [json.loads(line)["ids"] for line in lines]


def compare(what, program, backbone, reference, texts):
    theirs = [encoding.ids for encoding in reference.encode_batch(texts, add_special_tokens=False)]
    different = [text for text, a, b in zip(texts, our_ids(program, backbone, texts), theirs) if a != b]
    print(f"{what}: {len(texts)} texts, {sum(map(len, theirs))} ids, {len(different)} texts differ")
    for text in different[:3]:
        print(f"  differs: {text[:120]!r}")
    return len(different)


def main():
    program, backbone, data = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if not backbone.exists():
        print(f"SKIP: no backbone {backbone}; tools/setup.sh links the default one")
        sys.exit(77)
    reference = golden.reference(str(backbone))
    rng = random.Random(7)
    fuzz = [fuzz_text(rng) for _ in range(10_000)]
    failures = compare("random texts", program, backbone, reference, fuzz + golden.LINES)
    if texts := list(data_texts(data)):
        failures += compare("the data set", program, backbone, reference, texts)
    else:
        print(f"no data in {data}: its texts are not compared")
    for name, content in variants(reference):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "tokenizer.json")
            path.write_text(json.dumps(content))
            failures += compare(f"folder, {name}", program, folder, Tokenizer.from_file(str(path)), fuzz[:2000])
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
