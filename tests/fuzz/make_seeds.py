#!/usr/bin/env python3
"""Writes the inputs that the fuzzers started from: make_seeds.py FOLDER. tests/fuzz/run.sh --grow reduces what they led to."""
import json
import struct
import sys
from pathlib import Path

U32, F32, BOOL, STRING, ARRAY = 4, 6, 7, 8, 9


def byte_spellings():
    """The byte-level alphabet: printable bytes are themselves, the others characters from U+0100 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


MERGES = [("l", "l"), ("h", "e"), ("he", "ll"), ("hell", "o"), ("Ġ", "hello"), ("a", "b")]
TOKENS = byte_spellings() + [left + right for left, right in MERGES] + ["<|end|>", "<tool>"]


def safetensors(header, data=b"", before=b"", after=b""):
    text = before + (header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()) + after
    return struct.pack("<Q", len(text)) + text + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors_seeds():
    yield safetensors({})
    yield safetensors({}, before=b" \n", after=b"   \t")
    yield safetensors({"a": tensor("F32", [2, 2], 0, 16)}, bytes(16))
    yield safetensors({"__metadata__": {"format": "pt"}, "a": tensor("BF16", [3], 0, 6), "b": tensor("F16", [1, 2], 6, 10)}, bytes(10))
    yield safetensors({"s": tensor("F64", [], 0, 8), "e": tensor("I64", [2, 0], 8, 8), "x": tensor("BOOL", [5], 8, 13)}, bytes(13))
    yield safetensors({f"base_model.model.model.layers.{i}.lora_A.weight": tensor("U8", [4], 4 * i, 4 * i + 4) for i in range(6)}, bytes(24))
    yield safetensors({"a": tensor("F32", [2, 2**64 - 2], 0, 16)}, bytes(16))
    yield safetensors({"a": tensor("F32", [2], 0, 8), "b": tensor("F32", [2], 4, 12)}, bytes(12))
    yield safetensors({"a": tensor("F8_E4M3", [4], 0, 4)}, bytes(4))
    yield safetensors(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', bytes(2))
    yield safetensors({"a": {**tensor("I32", [1], 0, 4), "note": [1, {"y": [None, True]}]}}, bytes(4))
    yield b"\xff" * 8 + b"{}"


def text(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf_value(value):
    if isinstance(value, bool):
        return BOOL, struct.pack("<B", value)
    if isinstance(value, int):
        return U32, struct.pack("<I", value)
    if isinstance(value, float):
        return F32, struct.pack("<f", value)
    if isinstance(value, str):
        return STRING, text(value)
    kind = gguf_value(value[0])[0]
    return ARRAY, struct.pack("<IQ", kind, len(value)) + b"".join(gguf_value(item)[1] for item in value)


def gguf(keys, tensors, version=3):
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for key, value in keys.items():
        kind, raw = gguf_value(value)
        out += text(key) + struct.pack("<I", kind) + raw
    data = b""
    for name, (dims, kind, raw) in tensors.items():
        out += text(name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", dim) for dim in dims)
        out += struct.pack("<IQ", kind, len(data))
        data += raw + bytes(-len(raw) % 32)
    return out + bytes(-len(out) % 32 if tensors else 0) + data


def sizes(arch, **more):
    keys = {"block_count": 1, "context_length": 64, "embedding_length": 32, "feed_forward_length": 48, "attention.head_count": 4,
            "attention.head_count_kv": 2, "attention.key_length": 8, "rope.dimension_count": 8, "rope.freq_base": 10000.0,
            "attention.layer_norm_rms_epsilon": 1e-5, "vocab_size": 264, **more}
    return {"general.architecture": arch, **{f"{arch}.{key}": value for key, value in keys.items()}}


def gguf_tokenizer(**more):
    keys = {"model": "gpt2", "pre": "smollm", "tokens": TOKENS, "token_type": [1] * (len(TOKENS) - 2) + [3, 4],
            "merges": [f"{left} {right}" for left, right in MERGES], "bos_token_id": len(TOKENS) - 2, "eos_token_id": len(TOKENS) - 2,
            "add_bos_token": False, **more}
    return {f"tokenizer.ggml.{key}": value for key, value in keys.items()}


NORM = {"blk.0.attn_norm.weight": ([8], 0, bytes(32))}
GRANITE = {"embedding_scale": 12.0, "residual_scale": 0.22, "attention.scale": 0.1, "logit_scale": 8.0}


def gguf_seeds():
    yield gguf({}, {})
    yield gguf({"general.alignment": 64, "a.b": [1.5, 2.5], "c": [True, False], "d": ["x", "yz"]}, {}, 2)
    yield gguf(sizes("llama"), NORM)
    yield gguf(sizes("llama"), {**NORM, "rope_freqs.weight": ([4], 0, struct.pack("<4f", 1, 2, 4, 8)), "output.weight": ([32, 1], 1, bytes(64))})
    yield gguf(sizes("granite", **GRANITE), NORM)
    yield gguf(sizes("gemma3", **{"attention.sliding_window": 5, "rope.freq_base_swa": 1e4}), NORM)
    yield gguf(sizes("exaone4", **{"attention.sliding_window": 5, "attention.sliding_window_pattern": [True]}), NORM)
    yield gguf(sizes("qwen3", **{"attention.head_count_kv": [2, 2]}), NORM)
    blocks = {2: (32, 18), 3: (32, 20), 8: (32, 34), 12: (256, 144), 14: (256, 210), 20: (32, 18)}
    yield gguf({}, {f"t{kind}": ([elements, 2], kind, bytes(2 * size)) for kind, (elements, size) in blocks.items()})
    yield gguf(gguf_tokenizer(), {})
    yield gguf({**sizes("llama"), **gguf_tokenizer(pre="llama-bpe", add_bos_token=True)}, NORM)
    yield gguf(gguf_tokenizer(pre="gpt-2", **{"padding_token_id": 3}), {})
    yield gguf({**sizes("llama"), "split.count": 3, "general.type": "adapter"}, NORM)


def tokenizer(**more):
    pre = [{"type": "Digits", "individual_digits": True}, byte_level(True)]
    added = [{"id": len(TOKENS) - 2 + i, "content": content, "special": i == 0, "normalized": False} for i, content in enumerate(TOKENS[-2:])]
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
             "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": {t: i for i, t in enumerate(TOKENS[:-2])},
             "merges": more.pop("merges", [list(pair) for pair in MERGES])}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": pre}, "post_processor": None, "decoder": byte_level(True), "model": model,
            **more}


def byte_level(use_regex):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


def split(pattern, behaviour="Isolated", kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behaviour, "invert": False}


def tokenizer_seeds():
    yield tokenizer()
    yield tokenizer(pre_tokenizer=byte_level(True), merges=["l l", "h e"])
    yield tokenizer(pre_tokenizer={"type": "Sequence", "pretokenizers": [split(r"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"), byte_level(False)]})
    yield tokenizer(pre_tokenizer={"type": "Sequence", "pretokenizers": [split(" ", "Isolated", "String"), byte_level(False)]})
    yield tokenizer(normalizer={"type": "NFC"})
    yield tokenizer(post_processor={"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|end|>", "type_id": 0}},
                                                                            {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
                                    "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [len(TOKENS) - 2], "tokens": ["<|end|>"]}}})
    yield tokenizer(added_tokens=[])
    yield {"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}
    yield {"model": {"type": "WordPiece", "vocab": {}}}


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number, value):
    """One field of a protocol buffer: text, bytes and messages by length, floats in four bytes, integers as varints."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value if isinstance(value, bytes) else value.encode()
    return varint(number << 3 | 2) + varint(len(raw)) + raw


NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
PIECES = ["▁", "l", "h", "e", "o", "a", "b", "▁h", "ll", "he", "hell", "▁hello", "▁a", "wörld"]


def sentencepiece(kind, fallback=False, pieces=PIECES, special=True, **normalizer):
    rows = [("<unk>", 0.0, UNKNOWN)] + ([("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)] if special else [])
    rows += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)] if fallback else []
    rows += [(piece, -float(i), NORMAL) for i, piece in enumerate(pieces)] + [("<tool>", 0.0, USER_DEFINED)]
    out = b"".join(field(1, field(1, piece) + field(2, score) + field(3, type_)) for piece, score, type_ in rows)
    out += field(2, field(3, kind) + field(4, len(rows)) + field(35, int(fallback)) + field(40, 0) + field(41, 1) + field(42, 2))
    numbers = {"add_dummy_prefix": 3, "remove_extra_whitespaces": 4, "escape_whitespaces": 5, "precompiled_charsmap": 2}
    return out + field(3, field(1, "identity") + b"".join(field(numbers[name], value) for name, value in normalizer.items()))


def charsmap(units, strings):
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + strings


def sentencepiece_seeds():
    for kind in (1, 2):
        yield sentencepiece(kind)
        yield sentencepiece(kind, fallback=True, add_dummy_prefix=0, remove_extra_whitespaces=0)
        yield sentencepiece(kind, escape_whitespaces=0)
        yield sentencepiece(kind, precompiled_charsmap=charsmap([0] * 256, b"a\0"))
    yield sentencepiece(1, pieces=["a\0b", "▁"])
    yield sentencepiece(3)
    yield sentencepiece(2, special=False)
    yield b"version https://git-lfs.github.com/spec/v1\n"
    yield sentencepiece(2)[:-5]


def adapter_config(**more):
    return {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "org/base", "r": 8, "lora_alpha": 16, "lora_dropout": 0.1,
            "bias": "none", "use_rslora": False, "target_modules": ["q_proj", "v_proj"], **more}


def adapter_seeds():
    for path in sorted((Path(__file__).parents[1] / "adapters" / "peft_tiny").glob("*/adapter_config.json")):
        yield json.loads(path.read_text())
    yield adapter_config()
    yield adapter_config(target_modules="all-linear", exclude_modules=["o_proj"])
    yield adapter_config(target_modules=r".*\.(q|v)_proj", rank_pattern={r"layers\.0\..*q_proj": 4, "v_proj": 2}, alpha_pattern={"v_proj": 3.5})
    yield adapter_config(layers_to_transform=[0, 1], layers_pattern="layers", use_rslora=True)
    yield adapter_config(use_dora=True)
    yield adapter_config(init_lora_weights="pissa", eva_config=None, some_new_key=False)
    yield adapter_config(r=0)


def main():
    seeds = {"safetensors": safetensors_seeds(), "gguf": gguf_seeds(), "sentencepiece": sentencepiece_seeds()}
    for name, rows in (("tokenizer_json", tokenizer_seeds()), ("adapter_config", adapter_seeds())):
        seeds[name] = (json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() for row in rows)
    for name, rows in seeds.items():
        folder = Path(sys.argv[1]) / name
        folder.mkdir(parents=True, exist_ok=True)
        for index, row in enumerate(rows):
            (folder / f"seed-{index:02}").write_bytes(row)


main()
