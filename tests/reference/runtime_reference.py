"""`lora-export verify --runtime llama.cpp` passes what acts as trained and names what does not; a GGUF file as a merged folder."""
import subprocess
import sys

import common
import gguf
import peft
import sentencepiece
import torch
import transformers

import tiny_models
from llama_runtime import llama_cpp  # skips where llama.cpp is missing


def random_adapter(folder):
    torch.manual_seed(5)
    config = peft.LoraConfig(r=4, lora_alpha=6, use_rslora=True, target_modules="all-linear", task_type="CAUSAL_LM")
    model = peft.get_peft_model(common.load_model(folder), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    path = common.fresh_folder("peft-runtime")
    model.save_pretrained(path)
    return path


def lora_export(args, form, adapter, target):
    command = [args.bin / "lora-export", form, "--adapter", adapter, "--backbone", args.backbone, "--category", "oran-bench", "--rows", 8,
               "--runtime", "llama.cpp", "--python", sys.executable, "--against" if form == "verify" else "--out", target]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=common.ROOT)


def act_twice_as_strong(path):
    reader = gguf.GGUFReader(path, "r+")
    field = reader.fields["adapter.lora.alpha"]
    field.parts[field.data[0]][0] *= 2
    reader.data.flush()


TEXTS = ["Which interface connects O-DU and O-RU?", "  two spaces, 12345 and 3.14\n\n\ttabs", "naïve Ångström 漢字 😀👩\u200d👧", "<|im_start|>user\nx<|im_end|>"]


def check_folder(args, failures, adapter):
    """The tokenizer that lora-export makes of a GGUF file is the one that transformers makes of it."""
    folder = common.fresh_folder("merged-of-gguf")
    common.program(args.bin, "lora-export", "merged", "--adapter", adapter, "--backbone", args.backbone, "--out", folder, "--weights-only")
    ours = transformers.AutoTokenizer.from_pretrained(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(str(args.backbone.parent), gguf_file=args.backbone.name)
    for text in TEXTS:
        failures.check(ours(text).input_ids == theirs(text).input_ids, f"token ids of {text!r}")
        failures.check(ours.decode(ours(text).input_ids) == theirs.decode(theirs(text).input_ids), f"decoded text of {text!r}")
    chat = [{"role": "user", "content": TEXTS[0]}]
    failures.check(ours.apply_chat_template(chat, tokenize=False) == theirs.apply_chat_template(chat, tokenize=False), "chat template")
    failures.check(ours.eos_token_id == theirs.eos_token_id, "end of sequence")
    row = ours(TEXTS[0]).input_ids
    found = common.reference_logits(common.load_model(folder), row)
    common.compare_logits(failures, "folder of the GGUF file", common.our_logits(args.bin, args.backbone, row, adapter), found)


def check_sentencepiece(args, failures):
    """A folder with a SentencePiece model becomes a GGUF file in which llama.cpp finds the same ids."""
    folder = common.fresh_folder("sentencepiece-base")
    folder.mkdir()
    text = common.WORK / "sentencepiece.txt"
    text.write_text("".join(f"radio cell {i} links band{i % 7} Ångström naïve über.\n" for i in range(2000)))
    sentencepiece.SentencePieceTrainer.train(input=str(text), model_prefix=str(folder / "tokenizer"), model_type="bpe", vocab_size=400,
                                             byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
                                             user_defined_symbols=["<|user|>"], minloglevel=2)
    model = tiny_models.make_model("llama", {"vocab_size": 410}, torch.Generator().manual_seed(1))
    model.save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>"}')
    adapter, target = random_adapter(folder), common.WORK / "sentencepiece.gguf"
    target.unlink(missing_ok=True)
    common.program(args.bin, "lora-export", "merged-gguf", "--adapter", adapter, "--backbone", folder, "--out", target, "--weights-only")
    reader = gguf.GGUFReader(target)
    wanted = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    runtime = llama_cpp.Llama(str(target), vocab_only=True, verbose=False)
    # llama.cpp puts a space after every added token, so rows with one differ from SentencePiece in any file.
    for row in TEXTS + ["radio cell 12 links"]:
        found = runtime.tokenize(row.encode(), add_bos=False, special=False)
        failures.check(found == wanted.encode(row), f"ids of {row!r} in llama.cpp: {found}, SentencePiece {wanted.encode(row)}")
    failures.check(reader.fields["tokenizer.ggml.add_bos_token"].contents() is True, "no beginning of sequence")
    failures.check(len(reader.fields["tokenizer.ggml.tokens"].contents()) == 410, "the vocabulary is not filled up")


def main():
    args = common.arguments(__doc__)
    failures = common.Failures()
    adapter = random_adapter(common.huggingface_folder(args.backbone))
    target = common.WORK / "runtime.gguf"
    target.unlink(missing_ok=True)
    good = lora_export(args, "gguf", adapter, target)
    print(good.stdout)
    failures.check(good.returncode == 0 and "in llama.cpp" in good.stdout, f"a good adapter: exit code {good.returncode}, {good.stderr}")
    act_twice_as_strong(target)
    bad = lora_export(args, "verify", adapter, target)
    print(bad.stdout)
    failures.check(bad.returncode == 76, f"an adapter of twice the strength: exit code {bad.returncode}")
    failures.check("acts 2 times" in bad.stdout, "the strength is not named")
    failures.check("llama.cpp: the adapter acts at" in bad.stdout, "llama.cpp is not heard")
    check_folder(args, failures, adapter)
    check_sentencepiece(args, failures)
    failures.finish()


if __name__ == "__main__":
    main()
