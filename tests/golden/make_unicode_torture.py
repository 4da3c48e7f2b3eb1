"""Writes unicode_torture.jsonl: texts, one JSON string a line, that tokenizers stumble over."""

import json
from pathlib import Path

WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
NOT_WHITE = "\u180e\u200b\u200c\u200d\u2060\ufeff\x1c\x1d\x1e\x1f"
TEXTS = {
    "combining marks": ["e\u0301", "e\u0323\u0302 e\u0302\u0323", "\u0301 alone", "a\u0315\u0300\u05ae\u0300\u0062", "q\u0307\u0323 \u1e0b\u0323", "a" + "\u0301" * 40,
                        "\u0344 \u0958 \u2126 \u212b \u1fef \uf900 \ufb1d", "x\u0338= \u2260", "\u09c7\u09be \u0b47\u0b3e \u1025\u102e", "\u05d0\u05b7\u05bc \u05d0\u05bc\u05b7"],
    "newer than some tables": ["x\u0898\u0301", "x\u0301\u0898", "\U00011935\U00011930", "\U00031350 \U0001e043", "a\u1abf\u0323\u0301", "x\U00010d24\u0301\U00010d24"],
    "hangul": ["\u1100\u1161\u11a8", "\uac00\u11a8", "\u1100\uac00\u11a8\u11a8", "\uac01\u1161", "한국어 \u1112\u1161\u11ab글", "\u3131\u314f\u3131", "\ua960\u1161\ud7cb"],
    "emoji": ["👨\u200d👩\u200d👧\u200d👦", "👍🏽👍🏿", "🇩🇪🇫🇷🇩", "1\ufe0f\u20e3#\ufe0f\u20e3", "❤\ufe0f\u200d🔥", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🦙.cpp", "\U0001f9d1\u200d\U0001f680x"],
    "right to left": ["مرحبا بالعالم", "\u202eabc\u202c", "שלום עולם", "\u061c١٢٣ ۱۲۳", "ﷺ ﷽ لا"],
    "edges of the planes": ["\ud7ff\ue000", "\U00010000 \U0010ffff", "\ufdd0\ufffe\uffff", "\U0001fffe\U0002ffff", "\ufffd \ufffc", "\x7f\x80\x9f", "\u07ff\u0800", "\U000e0001"],
    "nul and controls": ["\x00", "a\x00b", "\x00\x00\x01\x02", "\x1b[31mred\x1b[0m", "".join(map(chr, range(32)))],
    "white space": [WHITE, NOT_WHITE, *(f"a{c}b {c} {c}{c}c" for c in WHITE + NOT_WHITE), "  a   b    ", " ", "  ", "   ", "\n\n\n \n\n", "\r\n \r\n\r", " \t \t x", "a \n b", "tail  \n", "▁", "▁a ▁ ▁▁b", " ▁ a"],
    "numbers": ["½ ¼ Ⅷ ⅷ ² ³ ₂ ① ⑳ ⓪", "٣١ ३४ ৪ ௰ 〇 一二三", "1234567 12 345 6789012", "0x1F 1e-9 3.14 1,000", "𝟘𝟙𝟚𝟛", "a1b22c333d4444", "᠀᧚"],
    "contractions": ["it's IT'S it'ſ IT'ſ don't DON'T we'll WE'LL I'd I'D they've you're I'm I'M", "'s't're've'm'll'd 'S'T'RE'VE'M'LL'D", "it’s ʼs ＇s", "''s '' ' s 'sx 'llama"],
    "casing": ["ſ ß ẞ İ ı ŉ ǆ ǅ Ǆ ﬁ ﬄ K Å", "ΑΣ ΑΣΑ ας", "ªº ʰ ᵃ ⁿ"],
    "special look-alikes": ["<s>", "</s>", "<unk>", "a<s>b </s> <s> c", "< s >", "<|im_start|>user<|im_end|>", "<|endoftext|> <|im_", "<bos><eos><pad>", "<0x41><0x0A><0xFF>", "<0x4", "<start_of_turn>user\nhi<end_of_turn>\n", "<think>x</think>",
                            "[INST] <<SYS>> [/INST]", "<|begin_of_text|>", "<<s>></s></s>", "▁<s>▁</s>"],
    "long runs": ["a" * 3000, " " * 500, "\n" * 300, "=" * 700, "0" * 400, "é" * 500, "漢" * 600, "😀" * 200, "ab" * 1000, "\u0301" * 200, "▁" * 100, "</s>" * 50, "\t " * 200],
    "scripts": ["漢字かなカナ、한글。", "\u30ab\u3099 \uff76\uff9e ｶﾞ", "नमस्ते क्ष्मि दुनिया", "ไทยไม่มีช่องว่าง น้ำ", "မြန်မာ ខ្មែរ ལྷ་ས", "Cửa Việt Tiếng Việt", "Привет, мир! Ёё", "Γειά σου Κόσμε ΐ", "𐌰𐌱 𓀀𓁐 𒀀", "ａｂｃ ＡＢＣ １２３ ！？", "℃ ㎏ ㍿ ㌀ ™ № ﷼"],
    "code and telecom": ["for (int i = 0; i < n; ++i) { sum += x[i]; }", "def f(x):\n    return x ** 2\n", "3GPP TS 38.331 §5.3.5 n78: 3300–3800 MHz", "Δf = 15·2^µ kHz, µ ∈ {0, …, 4}", "{\"a\": [1, 2.5, null]}", "https://example.org/a_b?q=1&r=%20#top", "-104 dBm/−104 dBm"],
    "empty": [""],
}

if __name__ == "__main__":
    lines = [json.dumps(text) for texts in TEXTS.values() for text in texts]
    Path(__file__).with_name("unicode_torture.jsonl").write_text("\n".join(lines) + "\n")
