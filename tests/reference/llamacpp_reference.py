"""llama.cpp and transformers against our programs on GGUF files of random tiny models.

F32 files: our logits and losses equal those of llama.cpp (F32 cache, no flash attention) and of the transformers model that the
file was made of. llama.cpp rounds activations to the type of the weights or to 8 bits where weights are not F32, so for such
files ours equal transformers with the dequantised weights, and llama.cpp only comes near both.
"""
import ctypes

import common  # first: it skips where torch is missing
import gguf
import torch

import gguf_models
from llama_runtime import LlamaCpp, llama_cpp, start
import tiny_models
from tiny_models import MODELS, THETA, UNTIED, make_model

# Of llama.cpp's quantiser; how near its own logits come is a matter of its rounding of activations, not of ours.
QUANTISED = {"F16": 5e-3, "BF16": 3e-2, "Q8_0": 5e-2, "Q4_0": 0.1, "Q4_1": 0.1, "Q5_0": 0.1, "Q5_1": 0.1, "Q2_K": 0.1, "Q3_K_M": 0.1,
             "Q4_K_M": 0.1, "Q5_K_M": 0.1, "Q6_K": 0.1, "IQ4_NL": 0.1}
QUANTISED_SIZES = dict(hidden_size=256, intermediate_size=512, num_hidden_layers=2, initializer_range=0.06)


def quantise(source, target, kind):
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind}")
    params.nthread = 1
    status = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params))
    if status != 0:
        raise SystemExit(f"FAIL: llama.cpp cannot quantise to {kind}")


def mean_loss(logits, tokens):
    ids = torch.tensor(tokens)
    return torch.nn.functional.cross_entropy(torch.from_numpy(logits).double()[:-1], ids[1:]).item()


def as_reference(logits, tokens):
    """What common.compare_logits takes, of logits [T, V]."""
    loss = mean_loss(logits, tokens) if len(tokens) > 1 else None
    return {"tokens": len(tokens), "loss": loss, "logits_last": logits[-1]}


@torch.inference_mode()
def all_logits(model, tokens):
    return model(input_ids=torch.tensor([tokens])).logits[0].numpy()


def compare(failures, what, args, path, model, near):
    """`near`: how near llama.cpp's logits are to those of the transformers model, as a part of the largest."""
    reference = LlamaCpp(path)
    for row in common.token_rows(model.config.vocab_size, lengths=(1, 3, 40)):
        ours = common.our_logits(args.bin, path, row)
        theirs, llama = all_logits(model, row), reference.logits(row)
        label = f"{what}, {len(row)} tokens"
        failures.close(f"{label}, llama.cpp against transformers, every position", llama, theirs, near)
        common.compare_logits(failures, f"{label}, ours against transformers", ours, as_reference(theirs, row), 1e-4)
        common.compare_logits(failures, f"{label}, ours against llama.cpp", ours, as_reference(llama, row), near)
    reference.close()


def compare_quantised(failures, args, generator):
    model = make_model("llama", dict(**QUANTISED_SIZES, **THETA, **UNTIED), generator)
    source = common.WORK / "llamacpp-f32.gguf"
    gguf_models.write_gguf(model, source)
    for kind, near in QUANTISED.items():
        path = common.WORK / "llamacpp-quantised.gguf"
        quantise(source, path, kind)
        gguf_models.load_gguf_weights(model, path)
        types = sorted({tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors})
        compare(failures, f"llama as {kind} ({', '.join(types)})", args, path, model, near)


def main():
    args = common.arguments(__doc__)
    start()
    failures = common.Failures()
    generator = torch.Generator().manual_seed(13)
    torch.manual_seed(14)
    for name, model_type, settings in MODELS:
        model = make_model(model_type, settings, generator)
        path = common.WORK / "llamacpp.gguf"
        gguf_models.write_gguf(model, path)
        compare(failures, name, args, path, model, tiny_models.near(name))
    compare_quantised(failures, args, generator)
    failures.finish()


main()
