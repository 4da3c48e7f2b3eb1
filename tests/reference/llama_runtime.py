"""llama.cpp through llama-cpp-python; skips the test that imports it where that is missing."""
import ctypes

import common
import numpy

try:
    import llama_cpp
except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: its shared library does not load
    common.skip(f"{error}; tools/setup.sh --reference builds llama-cpp-python")


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

    def logits(self, tokens, adapter=None):
        """[T, V] behind every token; with a GGUF adapter, if a path is given."""
        context = llama_cpp.llama_init_from_model(self.model, self.context_params())
        if adapter is not None:
            self.attach(context, adapter)
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

    def attach(self, context, path):
        adapter = llama_cpp.llama_adapter_lora_init(self.model, str(path).encode())
        if not adapter:
            raise SystemExit(f"FAIL: llama.cpp cannot load the adapter {path}")
        adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter)
        if llama_cpp.llama_set_adapters_lora(context, adapters, 1, (ctypes.c_float * 1)(1.0)) != 0:
            raise SystemExit(f"FAIL: llama.cpp does not take the adapter {path}")

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


def start():
    """Once, before anything else."""
    llama_cpp.llama_log_set(say_nothing, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
