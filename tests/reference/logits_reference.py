"""Logits and losses of the backbone, read from its GGUF file and from a Hugging Face folder, equal those of transformers."""
import common

args = common.arguments(__doc__)
folder = common.huggingface_folder(args.backbone)
model = common.load_model(folder)
failures = common.Failures()
for row in common.token_rows(model.config.vocab_size):
    theirs = common.reference_logits(model, row)
    for source in (args.backbone, folder):
        ours = common.our_logits(args.bin, source, row)
        common.compare_logits(failures, f"{len(row)} tokens, {source.name}", ours, theirs)
failures.finish()
