"""What the references share: the arguments, the backbone as a Hugging Face folder, calls of the programs, comparisons."""
import argparse
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


try:
    import numpy
    import peft
    import safetensors.torch
    import torch
    import transformers
except (ImportError, OSError) as error:  # OSError: a library that torch loads is missing
    skip(f"{error}; tools/setup.sh --reference installs the references")

transformers.utils.logging.disable_progress_bar()
ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "reference"
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Failures:
    """Collects what did not hold, so that one run tells everything; `finish` exits with the verdict."""

    def __init__(self):
        self.messages = []
        self.checks = 0

    def check(self, holds, message):
        self.checks += 1
        if not holds:
            print(f"FAIL: {message}")
            self.messages.append(message)

    def close(self, what, ours, theirs, tolerance, relative_to=None):
        """|ours - theirs| at most `tolerance` times the largest magnitude of `relative_to` (by default of `theirs`)."""
        ours, theirs = (numpy.asarray(x, dtype=numpy.float64) for x in (ours, theirs))
        if ours.shape != theirs.shape:
            self.check(False, f"{what}: shape {ours.shape}, reference {theirs.shape}")
            return
        scale = numpy.abs(theirs if relative_to is None else numpy.asarray(relative_to)).max()
        error = numpy.abs(ours - theirs).max() / scale
        print(f"{what}: relative error {error:.2e} (at most {tolerance:.0e})")
        self.check(error <= tolerance, f"{what}: relative error {error:.2e} exceeds {tolerance:.0e}")

    def finish(self):
        print(f"{self.checks - len(self.messages)} checks passed, {len(self.messages)} failed")
        sys.exit(bool(self.messages) or not self.checks)


def arguments(description):
    """--bin: folder of the programs; --backbone: the GGUF file or Hugging Face folder that they load."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--bin", type=Path, default=ROOT / "build" / "release" / "bin")
    parser.add_argument("--backbone", type=Path, default=ROOT / "models" / "smollm2-135m-instruct.gguf")
    args = parser.parse_args()
    if not args.backbone.exists():
        skip(f"no backbone {args.backbone}; tools/setup.sh links the default one")
    WORK.mkdir(parents=True, exist_ok=True)
    return args


def huggingface_folder(gguf_file):
    """The weights of a GGUF file, dequantised to f32 by transformers, as a folder; made once for each content of the file."""
    if gguf_file.is_dir():
        return gguf_file
    folder = WORK / f"hf-{hashlib.sha256(gguf_file.read_bytes()).hexdigest()[:16]}"
    if folder.exists():
        return folder
    source = {"pretrained_model_name_or_path": str(gguf_file.parent), "gguf_file": gguf_file.name}
    model = transformers.AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    # Not model.save_pretrained: it refuses a model that came from a quantised file.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.config.architectures = [type(model).__name__]
    temporary = Path(tempfile.mkdtemp(dir=WORK))
    model.config.save_pretrained(temporary)
    skipped = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name not in skipped}
    safetensors.torch.save_file(weights, temporary / "model.safetensors", metadata={"format": "pt"})
    transformers.AutoTokenizer.from_pretrained(**source).save_pretrained(temporary)
    temporary.chmod(0o755)
    temporary.rename(folder)
    return folder


def load_model(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def program(bin_folder, name, *args):
    """Runs one of the programs; returns what it printed, or stops with what it complained about."""
    command = [str(bin_folder / name), *map(str, args)]
    if not os.access(command[0], os.X_OK):
        sys.exit(f"FAIL: {command[0]} is not built; tools/test.sh builds it")
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=ROOT)
    if result.returncode != 0:
        shown = [part if len(part) < 100 else part[:100] + "..." for part in command]
        sys.exit(f"FAIL: exit code {result.returncode} of {' '.join(shown)}\n{result.stderr}")
    return result.stdout


def our_logits(bin_folder, backbone, tokens, adapter=None):
    """What `lora-inspect logits` says of one row: tokens, loss (mean next-token loss), logits_last [V]."""
    options = ["--adapter", adapter] if adapter else []
    text = ",".join(map(str, tokens))
    return json.loads(program(bin_folder, "lora-inspect", "logits", "--backbone", backbone, *options,
                              "--precision", "f32", "--tokens", text, "--json"))


@torch.inference_mode()
def reference_logits(model, tokens):
    """The same of a transformers or PEFT model; no loss for a single token."""
    ids = torch.tensor([tokens])
    output = model(input_ids=ids, labels=ids)
    return {"tokens": len(tokens), "loss": output.loss.item() if len(tokens) > 1 else None,
            "logits_last": output.logits[0, -1].double().numpy()}


def compare_logits(failures, what, ours, theirs, tolerance=1e-4):
    failures.check(ours["tokens"] == theirs["tokens"], f"{what}: {ours['tokens']} tokens, reference {theirs['tokens']}")
    failures.close(f"{what}, logits", ours["logits_last"], theirs["logits_last"], tolerance)
    if theirs["loss"] is not None:
        failures.close(f"{what}, loss", ours["loss"], theirs["loss"], tolerance)


def token_rows(vocabulary, lengths=(1, 2, 17, 333), seed=7):
    """Random token rows; the last one repeats its first half, so that attention has something to find."""
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randint(vocabulary, (length,), generator=generator).tolist() for length in lengths]
    half = lengths[-1] // 2
    rows[-1][half:2 * half] = rows[-1][:half]
    return rows


@torch.no_grad()
def randomise(model, generator):
    """Norms and biases start as ones and zeros, which would hide a wrong one."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("norm.weight"):
            parameter.add_(0.3 * noise)
        elif name.endswith("bias"):
            parameter.copy_(0.3 * noise)


def fresh_folder(name):
    """A path below the work folder where nothing is."""
    path = WORK / name
    shutil.rmtree(path, ignore_errors=True)
    return path


class _Kept(logging.Handler):
    def __init__(self, messages):
        super().__init__(logging.WARNING)
        self.messages = messages

    def emit(self, record):
        self.messages.append(record.getMessage())


def load_adapter(model, folder, trainable=False):
    """`folder` loaded by PEFT onto `model`, and every warning that this gave (but those between the libraries)."""
    messages = []
    handler = _Kept(messages)
    for name in ("peft", "transformers"):
        logging.getLogger(name).addHandler(handler)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = peft.PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)
    for name in ("peft", "transformers"):
        logging.getLogger(name).removeHandler(handler)
    internal = (FutureWarning, DeprecationWarning)
    return loaded, messages + [str(w.message) for w in caught if not issubclass(w.category, internal)]


if __name__ == "__main__":  # common.py FILE.gguf: where its Hugging Face folder is
    WORK.mkdir(parents=True, exist_ok=True)
    print(huggingface_folder(Path(sys.argv[1]).absolute()))
