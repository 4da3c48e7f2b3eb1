"""Blocks that core/ggml_quantize writes against the gguf package's quantisers, byte for byte."""
import argparse
import tempfile
from pathlib import Path

from common import Failures, program, skip

try:
    import numpy
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize
except ImportError as error:
    skip(f"{error}; tools/setup.sh --reference installs the references")

TYPES = ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")


def samples(rng):
    """Weights of many sizes, values on the grids' ties, blocks of one sign, of zeros, with one outlier."""
    yield rng.standard_normal((400, 64)) * 0.02
    for power in range(-30, 13, 2):
        yield rng.standard_normal((40, 64)) * 2.0**power
    yield numpy.round(rng.standard_normal((200, 64)) * 8) / 8
    for steps in (7, 8, 15, 16, 31, 127):
        yield rng.integers(-2 * steps, 2 * steps + 1, (100, 64)) / (2 * steps)
    yield numpy.abs(rng.standard_normal((100, 64)))
    yield -numpy.abs(rng.standard_normal((100, 64)))
    yield numpy.zeros((1, 64))
    outlier = rng.standard_normal((100, 64)) * 1e-3
    outlier[:, 17] = 30
    yield outlier


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True)
    binaries = parser.parse_args().bin
    failures = Failures()
    values = numpy.concatenate([part.astype(numpy.float32) for part in samples(numpy.random.default_rng(7))])
    with tempfile.TemporaryDirectory() as scratch:
        values.tofile(f"{scratch}/in")
        for name in TYPES:
            program(binaries, "quantiser_values", name, f"{scratch}/in", f"{scratch}/out")
            ours = numpy.fromfile(f"{scratch}/out", dtype=numpy.uint8)
            theirs = quantize(values, GGMLQuantizationType[name]).view(numpy.uint8).reshape(-1)
            differ = int((ours != theirs).sum()) if ours.shape == theirs.shape else ours.size
            failures.check(differ == 0, f"{name}: {differ} of {ours.size} bytes differ")
            print(f"{name}: {values.size} values, {ours.size} bytes")
    failures.finish()


if __name__ == "__main__":
    main()
