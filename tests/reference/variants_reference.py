"""Every variant of LoRA that lora-train knows, trained for ten steps here and by PEFT from the same start on the same rows.

The backbone is a random Llama with the tokenizer of the given one. Compared: the loss of each step (1e-4 relative), the gradient
norm (1e-3), the logits of the saved adapter here, in PEFT and after PEFT's own training.
"""
import json
import shutil

import peft
import peft.optimizers
import torch
import transformers

import common
import training_reference as training

ROW = 60  # tokens
LEARNING_RATE = 2e-3
# Settings of lora-train; the same for peft.LoraConfig; ratio of the learning rates.
ALL = dict(target_modules=common.LINEARS)
VARIANTS = {
    "plain": (["target_modules=all-linear"], ALL, 1),
    "rsLoRA": (["use_rslora=true", "alpha=3", "target_modules=all-linear"], dict(ALL, use_rslora=True, lora_alpha=3), 1),
    "patterns": (["rank_pattern={q_proj: 2, 'layers\\.1\\..*': 6}", "alpha_pattern={o_proj: 3}"],
                 dict(ALL, rank_pattern={"q_proj": 2, r"layers\.1\..*": 6}, alpha_pattern={"o_proj": 3}), 1),
    "expression": ([r"target_modules=.*layers\.[02]\.(mlp|self_attn)\.(q|v|up)_proj"],
                   dict(target_modules=r".*layers\.[02]\.(mlp|self_attn)\.(q|v|up)_proj"), 1),
    "some blocks": (["target_modules=q_proj,down_proj", "layers_to_transform=[0, 2]"],
                    dict(target_modules=["q_proj", "down_proj"], layers_to_transform=[0, 2]), 1),
    "DoRA": (["use_dora=true"], dict(ALL, use_dora=True), 1),
    "DoRA, rsLoRA": (["use_dora=true", "use_rslora=true", "init=gaussian"], dict(ALL, use_dora=True, use_rslora=True), 1),
    "LoRA+": (["loraplus_lr_ratio=8"], ALL, 8),
    "DoRA, LoRA+": (["use_dora=true", "loraplus_lr_ratio=8"], dict(ALL, use_dora=True), 8),
    "PiSSA": (["init=pissa"], dict(ALL, init_lora_weights="pissa"), 1),
    "PiSSA, rsLoRA, patterns": (["init=pissa", "use_rslora=true", "rank_pattern={k_proj: 2}"],
                                dict(ALL, init_lora_weights="pissa", use_rslora=True, rank_pattern={"k_proj": 2}), 1),
    "OLoRA": (["init=olora"], dict(ALL, init_lora_weights="olora"), 1),
}
# A random decomposition has no counterpart in PEFT: only the saved adapter is compared.
OWN_START = {"PiSSA, randomised": ["init=pissa_niter_4", "dropout=0"], "DoRA, dropout": ["use_dora=true", "dropout=0.1"],
             "plain, dropout": ["dropout=0.1"]}


def small_backbone(tokenizer_folder):
    folder = common.fresh_folder("variants-backbone")
    torch.manual_seed(5)
    vocabulary = transformers.AutoConfig.from_pretrained(tokenizer_folder).vocab_size
    config = transformers.LlamaConfig(hidden_size=64, num_attention_heads=4, num_key_value_heads=2, intermediate_size=96,
                                      num_hidden_layers=3, vocab_size=vocabulary, initializer_range=0.1, tie_word_embeddings=True,
                                      attention_bias=True, max_position_embeddings=2048)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1)
    model.save_pretrained(folder)
    for file in tokenizer_folder.iterdir():
        if file.name not in ("config.json", "generation_config.json") and file.suffix != ".safetensors":
            shutil.copy(file, folder / file.name)
    return folder


def our_training(args, backbone, settings):
    run, initial = common.fresh_folder("variants-run"), common.fresh_folder("variants-initial")
    batches = common.WORK / "variants-batches.jsonl"
    batches.unlink(missing_ok=True)
    fixed = ["precision=f32", "dropout=0", "batch_size=4", "evaluations_per_epoch=0", f"learning_rate={LEARNING_RATE}", "warmup_min_steps=2"]
    common.program(args.bin, "lora-train", "--category", "oran-bench", "--rank", 4, "--data", "sample", "--backbone", backbone,
                   "--max-steps", training.STEPS, "--no-eval", "--dump-batches", batches, "--save-initial", initial, "--out", run,
                   *[word for setting in fixed + settings for word in ("--set", setting)])
    return run, initial, [json.loads(line) for line in batches.read_text().splitlines()]


def peft_model(backbone, initial, settings):
    """PEFT's model at the start: with our initial adapter, or with its own decomposition of the same weights."""
    model = common.load_model(backbone)
    if "init_lora_weights" not in settings:
        return common.load_adapter(model, initial, trainable=True)
    return peft.get_peft_model(model, peft.LoraConfig(**{**dict(r=4, lora_alpha=8, task_type="CAUSAL_LM"), **settings})), []


def make_optimizer(model, ratio):
    if ratio == 1:
        return None
    return peft.optimizers.create_loraplus_optimizer(model, torch.optim.AdamW, lr=LEARNING_RATE, loraplus_lr_ratio=ratio,
                                                     loraplus_weight_decay=0.01, **training.ADAMW)


def check_saved(failures, args, name, backbone, run, row):
    """The adapter of the run gives equal logits here and in PEFT; returns those of PEFT."""
    loaded, messages = common.load_adapter(common.load_model(backbone), run)
    failures.check(not messages, f"{name}: PEFT warns of the adapter: {messages}")
    theirs = common.reference_logits(loaded.eval(), row)
    base = common.reference_logits(common.load_model(backbone), row)
    failures.check(abs(theirs["logits_last"] - base["logits_last"]).max() > 1e-3 * abs(base["logits_last"]).max(),
                   f"{name}: training changed nothing")
    common.compare_logits(failures, f"{name}, saved", common.our_logits(args.bin, backbone, row, run), theirs)
    return theirs


def check_variant(failures, args, name, backbone, row):
    settings, peft_settings, ratio = VARIANTS[name]
    run, initial, batches = our_training(args, backbone, settings)
    model, messages = peft_model(backbone, initial, peft_settings)
    failures.check(not messages, f"{name}: PEFT warns of the initial adapter: {messages}")
    for key, value in peft_settings.items():
        found = getattr(model.peft_config["default"], key)
        found = sorted(found) if isinstance(found, set) else found
        failures.check(found == (sorted(value) if isinstance(found, list) else value), f"{name}: {key} is {found}")
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    records = [record for record in records if "grad_norm" in record]
    failures.check(len(records) == training.STEPS, f"{name}: metrics.jsonl holds {len(records)} steps")
    for record, (loss, norm) in zip(records, training.peft_steps(model, batches, make_optimizer(model, ratio))):
        failures.close(f"{name}, step {record['step']}, loss", record["loss"], loss, 1e-4)
        failures.close(f"{name}, step {record['step']}, gradient norm", record["grad_norm"], norm, 1e-3)
    saved = check_saved(failures, args, name, backbone, run, row)
    trained = common.reference_logits(model.eval(), row)
    failures.close(f"{name}, logits after training", saved["logits_last"], trained["logits_last"], 1e-3)


def main():
    args = common.arguments(__doc__)
    backbone = small_backbone(common.huggingface_folder(args.backbone))
    failures = common.Failures()
    row = common.token_rows(common.load_model(backbone).config.vocab_size, (ROW,))[0]
    for name in VARIANTS:
        check_variant(failures, args, name, backbone, row)
    for name, settings in OWN_START.items():
        check_saved(failures, args, name, backbone, our_training(args, backbone, settings)[0], row)
    failures.finish()


main()
