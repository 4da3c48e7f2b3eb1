"""Token ids and decoded text of every kind of tokenizer equal those of the tokenizers and sentencepiece libraries.

The tokenizers are trained here, on text of the data set where it is there, and written as tokenizer.json, tokenizer.model and GGUF.
Compared: all text of the data set, and tests/golden/unicode_torture.jsonl.

tokenizer_kinds_reference.py PATH_OF_LORA_INSPECT DATA_FOLDER
"""

import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "true"

try:
    import gguf
    import sentencepiece
    import tokenizers
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    from tokenizer_reference import LLAMA3, data_texts, our_ids
except ImportError as error:
    print(f"SKIP: {error}; tools/setup.sh --reference installs the references")
    sys.exit(77)

TORTURE = Path(__file__).resolve().parents[1] / "golden" / "unicode_torture.jsonl"
QWEN2 = LLAMA3.replace("{1,3}", "")
MARK = "\u2581"
VOCABULARY = 4000


def made_text():
    """Where the data set is absent: sentences over a few hundred words."""
    parts = [a + b for a, b in itertools.product(["net", "radio", "cell", "band", "up", "down", "ré", "漢"], ["work", "link", "s", "ing", "12", "-x"])]
    return [" ".join(parts[(i * k) % len(parts)] for i in range(1, 40)) + ".\n" for k in range(1, 800)]


# ---- byte-level BPE ----

def byte_level(use_regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def isolated(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def digits_then_gpt2():
    return [pre_tokenizers.Digits(individual_digits=True), byte_level(True)]


def llama_cpp_default():
    gpt2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    return [isolated(r"[\p{P}\$\+<=>\^~\|]+"), isolated(gpt2), isolated(r"\p{N}+"), isolated("[0-9][0-9][0-9]"), byte_level(False)]


# name: steps, normaliser, ignore_merges, the ids of tokenizer.ggml.pre that mean the same
BYTE_LEVEL = {
    "gpt-2": ([byte_level(True)], None, False, ["gpt-2", "olmo", "exaone4"]),
    "smollm": (digits_then_gpt2(), None, False, ["smollm", "refact"]),
    "llama 3": ([isolated(LLAMA3), byte_level(False)], None, True, ["llama-bpe"]),
    "dbrx": ([isolated(LLAMA3), byte_level(False)], None, False, ["dbrx"]),
    "qwen 2": ([isolated(QWEN2), byte_level(False)], normalizers.NFC(), False, []),
    "qwen 2 without NFC": ([isolated(QWEN2), byte_level(False)], None, False, ["qwen2"]),
    "default of llama.cpp": (llama_cpp_default(), None, False, ["default"]),
}


def train_byte_level(name, texts):
    steps, normalizer, ignore_merges, _ = BYTE_LEVEL[name]
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    specials = ["<|begin_of_text|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, show_progress=False, special_tokens=specials,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken("<think>", normalized=False)])
    if name == "llama 3":
        bos = specials[0]
        tokenizer.post_processor = processors.TemplateProcessing(single=[bos, "$A"], special_tokens=[(bos, tokenizer.token_to_id(bos))])
    return tokenizer


def write_gguf(path, tokens, types, **more):
    """`more`: merges, scores, pre, model, flags."""
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_tokenizer_model(more.get("model", "gpt2"))
    if "pre" in more:
        writer.add_tokenizer_pre(more["pre"])
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if "merges" in more:
        writer.add_token_merges(more["merges"])
    if "scores" in more:
        writer.add_token_scores(more["scores"])
    if "space_prefix" in more:
        writer.add_add_space_prefix(more["space_prefix"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def byte_level_gguf(path, tokenizer, pre):
    content = json.loads(tokenizer.to_str())
    added = {token["id"]: token["special"] for token in content["added_tokens"]}
    tokens = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    types = [1 if i not in added else 3 if added[i] else 4 for i in range(len(tokens))]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in content["model"]["merges"]]
    write_gguf(path, tokens, types, merges=merges, pre=pre)


# ---- SentencePiece ----

LLAMA2 = {"add_dummy_prefix": True, "remove_extra_whitespaces": False, "normalization_rule_name": "identity", "byte_fallback": True,
          "split_digits": True, "allow_whitespace_only_pieces": True}
GEMMA = {**LLAMA2, "add_dummy_prefix": False,
         "user_defined_symbols": ["<start_of_turn>", "<end_of_turn>", "\n\n", MARK * 2, MARK * 3, MARK * 4]}
SENTENCEPIECE = {
    "llama 2": {"model_type": "bpe", **LLAMA2},
    "gemma": {"model_type": "bpe", **GEMMA},
    "unigram, byte fallback": {"model_type": "unigram", **LLAMA2},
    "unigram, nmt_nfkc": {"model_type": "unigram"},
    "unigram, nmt_nfkc_cf": {"model_type": "unigram", "normalization_rule_name": "nmt_nfkc_cf", "add_dummy_prefix": False},
}


def train_sentencepiece(name, texts):
    lines = [line for text in texts for line in text.split("\n") if line.strip()][:40_000]
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=out, vocab_size=VOCABULARY // 2,
                                             character_coverage=0.999, max_sentence_length=20_000, hard_vocab_limit=False,
                                             minloglevel=2, num_threads=2, **SENTENCEPIECE[name])
    return out.getvalue()


def pieces_of(processor):
    for i in range(processor.get_piece_size()):
        kind = (2 if processor.is_unknown(i) else 3 if processor.is_control(i) else 6 if processor.is_byte(i)
                else 5 if processor.is_unused(i) else 1)
        yield processor.id_to_piece(i), processor.get_score(i), kind


def merges_of(processor):
    """The pairs whose joined text is a piece, best score first, as transformers makes them of such a model."""
    ids = {processor.id_to_piece(i): i for i in range(processor.get_piece_size())}
    merges = []
    for piece, i in ids.items():
        local = [(ids[piece[:k]], ids[piece[k:]]) for k in range(1, len(piece)) if piece[:k] in ids and piece[k:] in ids]
        merges += [(-processor.get_score(i), a, b) for a, b in sorted(local)]
    merges.sort(key=lambda merge: merge[0])
    return [(processor.id_to_piece(a), processor.id_to_piece(b)) for _, a, b in merges]


def llama_decoder(strip):
    steps = [decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + [decoders.Strip(" ", 1, 0)] if strip else steps)


def specials(tokenizer, normalized=False):
    tokenizer.add_special_tokens([AddedToken(text, normalized=normalized, special=True) for text in ["<unk>", "<s>", "</s>"]])
    return tokenizer


def character_bpe(processor, **options):
    vocabulary = {piece: i for i, (piece, _, _) in enumerate(pieces_of(processor))}
    return Tokenizer(models.BPE(vocabulary, merges_of(processor), unk_token="<unk>", fuse_unk=True, byte_fallback=True, **options))


def llama2_legacy(processor):
    tokenizer = character_bpe(processor)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    tokenizer.decoder = llama_decoder(strip=True)
    return specials(tokenizer)


def llama2_normalized_specials(processor):
    tokenizer = character_bpe(processor)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    tokenizer.decoder = llama_decoder(strip=True)
    return specials(tokenizer, normalized=True)


def llama2_metaspace(processor):
    tokenizer = character_bpe(processor)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="first", split=False)
    tokenizer.decoder = llama_decoder(strip=True)
    return specials(tokenizer)


def gemma(processor):
    tokenizer = character_bpe(processor)
    tokenizer.normalizer = normalizers.Replace(" ", MARK)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = llama_decoder(strip=False)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in ["<start_of_turn>", "<end_of_turn>", "\n\n"]])
    return specials(tokenizer)


def without_bytes(processor):
    """No byte pieces: unknown characters become the unknown token, fused."""
    tokenizer = llama2_metaspace(processor)
    content = json.loads(tokenizer.to_str())
    content["model"]["byte_fallback"] = False
    return Tokenizer.from_str(json.dumps(content))


def unigram(scheme, split, byte_fallback=False):
    def make(processor):
        scores = [(piece, score) for piece, score, _ in pieces_of(processor)]
        tokenizer = Tokenizer(models.Unigram(scores, unk_id=0, byte_fallback=byte_fallback))
        charsmap = charsmap_of(processor.serialized_model_proto())
        steps = [normalizers.Precompiled(charsmap)] if charsmap else []
        tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Strip(False, True), normalizers.Replace(Regex(" {2,}"), MARK)])
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme=scheme, split=split)
        tokenizer.decoder = decoders.Metaspace(replacement=MARK, prepend_scheme=scheme, split=split)
        return specials(tokenizer)
    return make


def fields_of(message):
    """(number, value) of a protocol buffer message whose fields are varints, floats and bytes."""
    position = 0

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(message):
        tag = varint()
        size = {1: 8, 2: None, 5: 4}.get(tag & 7, 0)
        if tag & 7 == 0:
            yield tag >> 3, varint()
            continue
        if size is None:
            size = varint()
        yield tag >> 3, message[position:position + size]
        position += size


def charsmap_of(model):
    normalizer = next(value for number, value in fields_of(model) if number == 3)
    return next((value for number, value in fields_of(normalizer) if number == 2), b"")


# name: the SentencePiece model, and what makes a Tokenizer of it
CONVERTED = {
    "llama 2, Prepend and Replace": ("llama 2", llama2_legacy),
    "llama 2, normalized specials": ("llama 2", llama2_normalized_specials),
    "llama 2, Metaspace": ("llama 2", llama2_metaspace),
    "llama 2 without bytes": ("llama 2", without_bytes),
    "gemma": ("gemma", gemma),
    "unigram, byte fallback, Metaspace first": ("unigram, byte fallback", unigram("first", False, byte_fallback=True)),
    "unigram, Precompiled": ("unigram, nmt_nfkc", unigram("always", True)),
    "unigram, Precompiled, never": ("unigram, nmt_nfkc_cf", unigram("never", True)),
}


def code_points():
    """Every character of the first two planes beside marks of several combining classes, 64 to a text."""
    characters = [chr(c) for c in range(0x300, 0x20000) if not 0xD800 <= c < 0xE000]
    return ["".join(f"x{c}\u0323\u0301 \u0301\u05b0{c}" for c in characters[i:i + 64]) for i in range(0, len(characters), 64)]


def our_texts(program, backbone, texts):
    """What the ids of each text decode to, special tokens included."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(text) + "\n" for text in texts)
        file.flush()
        command = [program, "tokens", "--backbone", str(backbone), file.name, "--json", "--decode"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    return [json.loads(line)["text"] for line in lines if line]


class Comparison:
    def __init__(self, program, texts, torture):
        self.program, self.texts = program, texts + torture
        self.torture = set(torture)
        self.failures = []

    def sampled(self, texts):
        """Where the texts stand that are decoded too."""
        return [i for i, text in enumerate(texts) if i % 10 == 0 or text in self.torture]

    def check(self, what, texts, ours, theirs):
        different = [text for text, a, b in zip(texts, ours, theirs, strict=True) if a != b]
        print(f"{what}: {len(texts)} texts, {sum(map(len, ours))} items, {len(different)} texts differ", flush=True)
        for text in different[:3]:
            print(f"  differs: {text[:120]!r}")
        self.failures += different

    def tokenizer(self, what, backbone, tokenizer, texts, decoded=True):
        theirs = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
        self.check(what, texts, our_ids(self.program, backbone, texts), theirs)
        if decoded:
            few, ids = zip(*((texts[i], theirs[i]) for i in self.sampled(texts)))
            self.check(f"{what}, decoded", few, our_texts(self.program, backbone, few),
                       tokenizer.decode_batch(list(ids), skip_special_tokens=False))

    def sentencepiece(self, what, backbone, processor, texts):
        """Texts with the spelling of a control piece are left out: the library finds none in text, our tokenizers do."""
        marks = ("<s>", "</s>", "<unk>", "<pad>")
        texts = [text for text in texts if not any(mark in text for mark in marks)]
        theirs = processor.encode(texts, num_threads=2)
        self.check(what, texts, our_ids(self.program, backbone, texts), theirs)
        few = [(texts[i], theirs[i]) for i in self.sampled(texts) if processor.unk_id() not in theirs[i]]
        self.check(f"{what}, decoded", [text for text, _ in few], our_texts(self.program, backbone, [text for text, _ in few]),
                   processor.decode([ids for _, ids in few]))


def save(folder, tokenizer):
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def compare_byte_level(comparison, scratch, name, sample):
    tokenizer = train_byte_level(name, sample)
    folder = save(scratch / name, tokenizer)
    comparison.tokenizer(f"byte-level, {name}", folder, tokenizer, comparison.texts)
    if tokenizer.normalizer:
        comparison.tokenizer(f"byte-level, {name}, code points", folder, tokenizer, code_points(), decoded=False)
    for pre in BYTE_LEVEL[name][3]:
        byte_level_gguf(scratch / f"{pre}.gguf", tokenizer, pre)
        comparison.tokenizer(f"GGUF, pre {pre}", scratch / f"{pre}.gguf", tokenizer, comparison.texts, decoded=False)


def compare_sentencepiece(comparison, scratch, name, sample):
    model = train_sentencepiece(name, sample)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    file = scratch / f"{name}.model"
    file.write_bytes(model)
    comparison.sentencepiece(f"SentencePiece, {name}", file, processor, comparison.texts)
    if name == "llama 2":
        pieces, scores, types = zip(*pieces_of(processor))
        write_gguf(scratch / "spm.gguf", pieces, types, scores=scores, model="llama", pre="default")
        comparison.sentencepiece("GGUF, SentencePiece", scratch / "spm.gguf", processor, comparison.texts)
    for converted, (source, make) in CONVERTED.items():
        if source == name:
            tokenizer = make(processor)
            folder = save(scratch / converted, tokenizer)
            comparison.tokenizer(f"tokenizer.json, {converted}", folder, tokenizer, comparison.texts)
    if name == "unigram, nmt_nfkc":
        comparison.sentencepiece(f"SentencePiece, {name}, code points", file, processor, code_points())
        comparison.tokenizer("unigram, Precompiled, code points", folder, tokenizer, code_points(), decoded=False)


def main():
    program, data = sys.argv[1], Path(sys.argv[2])
    torture = [json.loads(line) for line in TORTURE.read_text().splitlines()]
    texts = list(data_texts(data))[::2]  # the others are the same text inside a chat template
    if not texts:
        print(f"no data in {data}: its texts are not compared")
        texts = made_text()
    sample = texts[::12]
    comparison = Comparison(program, texts, torture)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(compare_sentencepiece, comparison, Path(folder), name, sample) for name in SENTENCEPIECE]
        tasks += [pool.submit(compare_byte_level, comparison, Path(folder), name, sample) for name in BYTE_LEVEL]
        for task in tasks:
            task.result()
    print(f"sentencepiece {sentencepiece.__version__}, tokenizers {tokenizers.__version__}")
    sys.exit(bool(comparison.failures))


if __name__ == "__main__":
    main()
