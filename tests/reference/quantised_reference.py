"""Every block format: what `lora-inspect file --tensor NAME --raw FILE` writes equals the gguf package's dequantisation bit for bit.

Random blocks, and blocks that no quantiser makes: all bits zero, all bits one, scales that are subnormal, the largest, negative
zero. Scales that are infinite or NaN give values that are not finite in the same places; a model that has them is refused.
"""
import common  # first: it skips where torch is missing
import gguf
import numpy
from gguf import GGMLQuantizationType as Type

# Offsets of the half floats in a block.
FORMATS = {Type.Q8_0: [0], Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q2_K: [80, 82],
           Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208], Type.IQ4_NL: [0], Type.F16: [0], Type.BF16: [0]}
# Zero, its negative, the smallest and largest subnormal, the smallest normal, one, the largest, and negatives.
SCALES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x83ff, 0x0400, 0x3c00, 0xbc00, 0x7bff, 0xfbff]
NOT_FINITE = [0x7c00, 0xfc00, 0x7e00, 0x7c01]
RANDOM_BLOCKS = 512


def set_scales(blocks, offsets, scales):
    """`scales`: a half float for every block; a second one of a block goes through them backwards."""
    for index, offset in enumerate(offsets):
        halves = numpy.array(scales if index == 0 else scales[::-1], dtype="<u2")
        blocks[:, offset:offset + 2] = halves.view(numpy.uint8).reshape(-1, 2)
    return blocks


def finite_halves(generator, count):
    halves = generator.integers(0, 1 << 16, count)
    return numpy.where(halves >> 10 & 31 == 31, halves & 0x83ff, halves)


def patterns(generator, size):
    """The rest of a block: random bytes, all zero, all one, alternating bits."""
    return [generator.integers(0, 256, size), numpy.zeros(size), numpy.full(size, 255), numpy.full(size, 0x55), numpy.full(size, 0xaa)]


def extreme_blocks(kind, generator, scales):
    size = gguf.GGML_QUANT_SIZES[kind][1]
    rest = patterns(generator, size)
    blocks = numpy.array([pattern for pattern in rest for _ in scales], dtype=numpy.uint8)
    return set_scales(blocks, FORMATS[kind], list(scales) * len(rest))


def random_blocks(kind, generator):
    size = gguf.GGML_QUANT_SIZES[kind][1]
    blocks = generator.integers(0, 256, (RANDOM_BLOCKS, size), dtype=numpy.uint8)
    return set_scales(blocks, FORMATS[kind], list(finite_halves(generator, RANDOM_BLOCKS)))


def write(path, tensors):
    writer = gguf.GGUFWriter(path, "llama")
    for name, (kind, blocks) in tensors.items():
        writer.add_tensor(name, blocks.reshape(1, -1), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def dumped(args, path, name):
    raw = common.WORK / "quantised.f32"
    common.program(args.bin, "lora-inspect", "file", path, "--tensor", name, "--raw", raw)
    return numpy.fromfile(raw, dtype="<f4")


def compare_bits(failures, name, ours, theirs):
    differing = int((ours.view(numpy.uint32) != theirs.view(numpy.uint32)).sum()) if ours.shape == theirs.shape else -1
    print(f"{name}: {ours.size} values, {differing} differ")
    failures.check(differing == 0, f"{name}: {differing} of {theirs.size} values differ")


def compare_not_finite(failures, name, ours, theirs):
    """NaNs have many bit patterns: only which values are NaN or which infinity counts, and the rest bit for bit."""
    finite = numpy.isfinite(theirs)
    failures.check(not finite.all(), f"{name}: the package gives finite values only")
    failures.check(numpy.array_equal(ours, theirs, equal_nan=True), f"{name}: other NaNs or infinities")
    compare_bits(failures, f"{name}, the finite ones", ours[finite], theirs[finite])


def main():
    args = common.arguments(__doc__)
    failures = common.Failures()
    generator = numpy.random.default_rng(15)
    tensors = {}
    for kind in FORMATS:
        # bfloat16 keeps the exponent of float32, so that every pattern but those of NaN and infinity is finite.
        scales = SCALES if kind != Type.BF16 else [0x0000, 0x8000, 0x0001, 0x8001, 0x007f, 0x0080, 0x3f80, 0x7f7f, 0xff7f]
        tensors[f"{kind.name}.random"] = (kind, random_blocks(kind, generator))
        tensors[f"{kind.name}.extreme"] = (kind, extreme_blocks(kind, generator, scales))
        bad = NOT_FINITE if kind != Type.BF16 else [0x7f80, 0xff80, 0x7fc0, 0x7f81]
        tensors[f"{kind.name}.not_finite"] = (kind, extreme_blocks(kind, generator, bad))
    path = common.WORK / "quantised.gguf"
    write(path, tensors)
    with numpy.errstate(all="ignore"):
        for name, (kind, blocks) in tensors.items():
            compare = compare_not_finite if name.endswith("not_finite") else compare_bits
            compare(failures, name, dumped(args, path, name), gguf.quants.dequantize(blocks.reshape(1, -1), kind).reshape(-1))
    failures.finish()


main()
