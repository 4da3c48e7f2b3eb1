"""Asks llama.cpp, through llama-cpp-python, what it says to rows of token ids.

argv[1] names a JSON file: model, adapter (or null), rows and the tail of each whose logits are wanted, questions, stop (token ids),
max_new_tokens, logits: a file for them, float32, those of the model alone if there is an adapter, then those with it. Standard output gets
{"version", "vocabulary", "answers"}. An empty argv[1]: only says whether there is a llama-cpp-python.
"""
import ctypes
import json
import os
import sys

try:
    import llama_cpp as lib
    import numpy
except (ImportError, OSError, RuntimeError) as error:
    print(error, file=sys.stderr)
    sys.exit(1)


@lib.llama_log_callback
def say_nothing(level, text, user_data):
    pass


def give_up(what):
    print(what, file=sys.stderr)
    sys.exit(1)


class Session:
    """A model as the library's defaults run it, later with an adapter."""

    def __init__(self, model, tokens):
        self.model = lib.llama_model_load_from_file(model.encode(), lib.llama_model_default_params())
        if not self.model:
            give_up(f"llama.cpp cannot load {model}")
        self.vocabulary = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self.model))
        params = lib.llama_context_default_params()
        params.n_ctx = params.n_batch = tokens
        params.n_threads = params.n_threads_batch = os.cpu_count()
        self.context = lib.llama_init_from_model(self.model, params)
        if not self.context:
            give_up(f"llama.cpp cannot run {model}")

    def attach(self, path):
        adapter = lib.llama_adapter_lora_init(self.model, path.encode())
        if not adapter:
            give_up(f"llama.cpp cannot load the adapter {path}")
        if hasattr(lib, "llama_set_adapters_lora"):
            one = (lib.llama_adapter_lora_p_ctypes * 1)(adapter)
            status = lib.llama_set_adapters_lora(self.context, one, 1, (ctypes.c_float * 1)(1.0))
        else:
            status = lib.llama_set_adapter_lora(self.context, adapter, 1.0)
        if status != 0:
            give_up(f"llama.cpp does not take the adapter {path}")

    def read(self, tokens, first, tail):
        """Logits [tail, V] behind the last of `tokens`, which stand from position `first`."""
        batch = lib.llama_batch_init(len(tokens), 0, 1)
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, first + i, 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = int(i >= len(tokens) - tail)
        status = lib.llama_decode(self.context, batch)
        if status != 0:
            give_up(f"llama_decode returned {status}")
        rows = [numpy.ctypeslib.as_array(lib.llama_get_logits_ith(self.context, i), (self.vocabulary,)).copy()
                for i in range(len(tokens) - tail, len(tokens))]
        lib.llama_batch_free(batch)
        return numpy.stack(rows)

    def clear(self):
        lib.llama_memory_clear(lib.llama_get_memory(self.context), True)

    def write_logits(self, request, file):
        for row in request["rows"]:
            self.clear()
            logits = self.read(row, 0, min(request["tail"], len(row)))
            file.write(logits.astype("<f4").tobytes())

    def answer(self, question, stop, most):
        """The likeliest tokens, one after the other, up to one of `stop`."""
        self.clear()
        answer, logits = [], self.read(question, 0, 1)
        while len(answer) < most:
            token = int(logits[-1].argmax())
            if token in stop:
                break
            answer.append(token)
            if len(answer) < most:
                logits = self.read([token], len(question) + len(answer) - 1, 1)
        return answer


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    lib.llama_log_set(say_nothing, ctypes.c_void_p(0))
    lib.llama_backend_init()
    longest = max(len(row) for row in request["rows"] + request["questions"])
    session = Session(request["model"], longest + request["max_new_tokens"])
    with open(request["logits"], "wb") as file:
        if request["adapter"]:
            session.write_logits(request, file)
            session.attach(request["adapter"])
        session.write_logits(request, file)
    stop = set(request["stop"])
    answers = [session.answer(question, stop, request["max_new_tokens"]) for question in request["questions"]]
    print(json.dumps({"version": lib.__version__, "vocabulary": session.vocabulary, "answers": answers}))


if sys.argv[1]:
    main()
