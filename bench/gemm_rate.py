"""The share of a device's matrix product rate that training reaches in its frozen linears.

The rate is the median of twenty bfloat16 products of the model's MLP shape over 4,096 tokens; what is reached is --flop-per-token
(from bench/random_model.py) times the median tokens a second in --ours (lines of bench/medians.py --measure). The rest of a step,
attention and vocabulary head included, counts as time only.
"""
import argparse
import json
import statistics
import time
from pathlib import Path

import torch

TOKENS = 4096


def rate(device, hidden, intermediate):
    """FLOP/s of a product of [TOKENS, hidden] by [hidden, intermediate]."""
    x = torch.randn(TOKENS, hidden, device=device, dtype=torch.bfloat16)
    weight = torch.randn(intermediate, hidden, device=device, dtype=torch.bfloat16)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    seconds = []
    for _ in range(25):
        wait()
        start = time.perf_counter()
        torch.nn.functional.linear(x, weight)
        wait()
        seconds.append(time.perf_counter() - start)
    return 2 * TOKENS * hidden * intermediate / statistics.median(seconds[5:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--flop-per-token", type=float, required=True)
    parser.add_argument("--ours", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="Hugging Face folder")
    args = parser.parse_args()
    config = json.loads((args.model / "config.json").read_text())
    whole = rate(args.device, config["hidden_size"], config["intermediate_size"])
    lines = [json.loads(line) for line in args.ours.read_text().splitlines()]
    reached = args.flop_per_token * statistics.median(line["tokens_per_second"] for line in lines)
    print(f"products alone {whole * 1e-12:.2f} TFLOP/s, training {reached * 1e-12:.2f} TFLOP/s: a share of {reached / whole:.2f}")


main()
