"""llama.cpp and transformers against our programs on GGUF files of random tiny models.

F32 files: our logits and losses equal those of llama.cpp (F32 cache, no flash attention) and of the transformers model that the
file was made of. llama.cpp rounds activations to the type of the weights or to 8 bits where weights are not F32, so for such
files ours equal transformers with the dequantised weights, and llama.cpp only comes near both.
"""
import ctypes

import common  # first: it skips where torch is missing
import gguf
import numpy
import torch
from transformers import AutoModelForCausalLM, CONFIG_MAPPING

import gguf_models

try:
    import llama_cpp
except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: its shared library does not load
    common.skip(f"{error}; tools/setup.sh --reference builds llama-cpp-python")

SIZES = dict(hidden_size=48, num_attention_heads=4, num_key_value_heads=2, intermediate_size=80, num_hidden_layers=3,
             vocab_size=99, max_position_embeddings=256, initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=2)
THETA = dict(rope_parameters=dict(rope_type="default", rope_theta=5000.0))
LLAMA3 = dict(rope_parameters=dict(rope_type="llama3", rope_theta=500.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                   original_max_position_embeddings=32))
TIED, UNTIED = dict(tie_word_embeddings=True), dict(tie_word_embeddings=False)
MULTIPLIERS = dict(embedding_multiplier=12.0, residual_multiplier=0.22, attention_multiplier=0.1, logits_scaling=8.0)
FULL = dict(sliding_window=None, sliding_window_pattern=None)
LOCAL_THETA = dict(rope_parameters=dict(full_attention=dict(rope_type="default", rope_theta=1e6),
                                        sliding_attention=dict(rope_type="default", rope_theta=1e4)))
# llama.cpp takes exactly 64 layers for the hybrid EXAONE 4 and 62 for Gemma 3 27B, which scales its attention differently.
MODELS = [
    ("llama", "llama", dict(head_dim=14, **THETA, **UNTIED)),
    ("llama, biases and Llama 3 frequencies", "llama", dict(attention_bias=True, mlp_bias=True, **LLAMA3, **TIED)),
    ("qwen2", "qwen2", dict(**THETA, **TIED)),
    ("qwen2, untied, one key head", "qwen2", dict(num_key_value_heads=1, **THETA, **UNTIED)),
    ("qwen3", "qwen3", dict(head_dim=20, **THETA, **TIED)),
    ("qwen3, untied, ungrouped", "qwen3", dict(head_dim=10, num_key_value_heads=4, **THETA, **UNTIED)),
    ("exaone4", "exaone4", dict(layer_types=["full_attention"] * 3, **FULL, **LLAMA3, **TIED)),
    ("exaone4, hybrid", "exaone4", dict(sliding_window=4, sliding_window_pattern=4, num_hidden_layers=64, **LLAMA3, **UNTIED)),
    ("granite", "granite", dict(**THETA, **TIED, **MULTIPLIERS)),
    ("granite, untied", "granite", dict(head_dim=12, **THETA, **UNTIED, **MULTIPLIERS)),
    ("olmo2", "olmo2", dict(**THETA, **UNTIED)),
    ("olmo2, ungrouped", "olmo2", dict(num_key_value_heads=4, **THETA, **UNTIED)),
    ("gemma3", "gemma3_text", dict(head_dim=18, num_hidden_layers=7, query_pre_attn_scalar=18, sliding_window=5, **LOCAL_THETA, **TIED)),
    ("gemma3, pattern in the file", "gemma3_text",
     dict(head_dim=8, num_key_value_heads=1, query_pre_attn_scalar=8, sliding_window=5, **LOCAL_THETA, **TIED,
          layer_types=["sliding_attention", "full_attention", "sliding_attention"])),
    ("gemma3, 62 layers", "gemma3_text",
     dict(head_dim=8, num_hidden_layers=62, query_pre_attn_scalar=12, sliding_window=5, **LOCAL_THETA, **TIED)),
]
# llama.cpp reads GELU from a table of half floats, whose error grows with the layers.
NEAR = {"gemma3": 2e-3, "gemma3, 62 layers": 5e-3}
# Of llama.cpp's quantiser; how near its own logits come is a matter of its rounding of activations, not of ours.
QUANTISED = {"F16": 5e-3, "BF16": 3e-2, "Q8_0": 5e-2, "Q4_0": 0.1, "Q4_1": 0.1, "Q5_0": 0.1, "Q5_1": 0.1, "Q2_K": 0.1, "Q3_K_M": 0.1,
             "Q4_K_M": 0.1, "Q5_K_M": 0.1, "Q6_K": 0.1, "IQ4_NL": 0.1}
QUANTISED_SIZES = dict(hidden_size=256, intermediate_size=512, num_hidden_layers=2, initializer_range=0.06)


@llama_cpp.llama_log_callback
def say_nothing(level, text, user_data):
    pass


class LlamaCpp:
    """One model of llama.cpp on the CPU, all in F32 but what the file holds otherwise."""

    def __init__(self, path):
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
        if not self.model:
            raise SystemExit(f"FAIL: llama.cpp cannot load {path}")
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def logits(self, tokens):
        """[T, V] behind every token."""
        context = llama_cpp.llama_init_from_model(self.model, self.context_params())
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, i, 1, 1
            batch.seq_id[i][0] = 0
        status = llama_cpp.llama_decode(context, batch)
        if status != 0:
            raise SystemExit(f"FAIL: llama_decode returned {status}")
        rows = [numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, i), (self.vocabulary,)).copy()
                for i in range(len(tokens))]
        llama_cpp.llama_batch_free(batch)
        llama_cpp.llama_free(context)
        return numpy.stack(rows)

    @staticmethod
    def context_params():
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = 256
        params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.type_k = params.type_v = llama_cpp.GGML_TYPE_F32
        params.swa_full = True
        params.n_threads = params.n_threads_batch = 1  # tiny products: threads only wait for each other
        return params

    def close(self):
        llama_cpp.llama_model_free(self.model)


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


def make_model(model_type, settings, generator):
    config = CONFIG_MAPPING[model_type](**{**SIZES, **settings})
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    common.randomise(model, generator)
    return model


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
    llama_cpp.llama_log_set(say_nothing, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    failures = common.Failures()
    generator = torch.Generator().manual_seed(13)
    torch.manual_seed(14)
    for name, model_type, settings in MODELS:
        model = make_model(model_type, settings, generator)
        path = common.WORK / "llamacpp.gguf"
        gguf_models.write_gguf(model, path)
        compare(failures, name, args, path, model, NEAR.get(name, 1e-3))
    compare_quantised(failures, args, generator)
    failures.finish()


main()
