"""Writes smollm2_tokens.json: ids of the tokenizers library for the lines below, with SmolLM2's vocabulary and merges.

pip install tokenizers==0.22.2 gguf==0.19.0
python tests/golden/make_smollm2_tokens.py models/smollm2-135m-instruct.gguf
"""

import json
import sys
from pathlib import Path

import gguf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

LINES = [
    "",
    " ",
    "a",
    "Hello world",
    " Hello world",
    "Hello, world!",
    "   Hello",
    "    Hello\n    Hello",
    "\t\n",
    "\n\n\n",
    "\r\n\r\n x",
    "trailing spaces   ",
    "a   b",
    "tabs\tand\t\tmore",
    " \n \n ",
    "non-breaking\u00a0space and\u2003em\u3000ideographic",
    "next\u0085line",
    "mongolian\u180evowel separator",
    "zero\u200bwidth\ufeff marks",
    "3333",
    "3.14159, 1e-9 and 0x1F",
    "½ ² Ⅷ ① ३ ৪",
    "rel-17 v17.4.0 (2023-03)",
    "n78: 3300–3800 MHz",
    "Δf = 15·2^µ kHz, µ ∈ {0, …, 4}",
    "−104 dBm @ 20 MHz",
    "it's we'll I'd they've you're I'm don't",
    "IT'S WE'LL",
    "'s't're've'm'll'd",
    "it’s a typographic apostrophe",
    "naïve café Führer Ångström",
    "e\u0301 combining, a\u0308\u0323 twice",
    "Cửa Việt",
    "Привет, мир",
    "Γειά σου Κόσμε",
    "漢字かなカナ、한글",
    "مرحبا بالعالم",
    "नमस्ते दुनिया",
    "😀 👩\u200d👩\u200d👧 🇩🇪 ❤️ 🦙.cpp",
    "𝟘𝟙 𝕬 mathematical",
    "ſ K ﬁ ŉ",
    "ǅ ʰ ª º",
    "!!!!!!",
    "?!... --- ___ *** ###",
    '{"key": [1, 2, {"a": null}]}',
    "for (int i = 0; i < n; ++i) { sum += x[i]; }",
    "def f(x):\n    return x ** 2  # square\n",
    "https://example.org/a_b?q=1&r=%20#top",
    "C:\\Windows\\system32",
    "<|im_start|>user\nHi<|im_end|>\n",
    "<|im_end|><|endoftext|>",
    "a<file_sep>b <repo_name>",
    "<|im_start",
    "<|im_start|><|im_start|>",
    "null\u0000byte and \u0007 bell \u007f delete",
    "bytes without a token: \u0004\u0006\u0013\u0014\u0016\u001d.",
    "l\u0004l keeps what is left together",
    "\U00031350 and \U0001e043 are letters of Unicode 15",
    "\U000f0000\U0010fffd private",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "supercalifragilisticexpialidocious",
    "ThePhysicalDownlinkSharedChannelCarriesUserDataAndSystemInformationBlocksInEveryCellOfTheNetwork",
    "Which layer performs header compression?\nA) PDCP\nB) RLC\nC) MAC\nD) PHY\nAnswer:",
    "The gNB sends an RRCReconfiguration; the UE answers with RRCReconfigurationComplete.",
]


def reference(path):
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token, kind in zip(tokens, types) if kind == 3]
    )
    return tokenizer


def main():
    tokenizer = reference(sys.argv[1])
    rows = []
    for text in LINES:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        rows.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
    lines = ",\n".join(json.dumps(row) for row in rows)
    Path(__file__).with_name("smollm2_tokens.json").write_text(f'{{"lines": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
