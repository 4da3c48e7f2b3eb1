"""Four ranks in one process against a process each; run by bench/ranks_together.sh.

A round trains all ranks together, then each alone, one after the other. Time is that of whole processes, start-up included; memory
is each process's peak. Four runs at once would hold the sum of their peaks, one after the other the greatest.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

RANKS = ["4", "8", "16", "32"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--backbone", required=True)
    return parser.parse_args()


def measured(command, log):
    """Seconds and peak bytes of one process."""
    start = time.perf_counter()
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(Path(log).read_text()[-1000:])
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def train(args, ranks, folder):
    command = [args.program, "--category", "6g-bench", "--rank", ",".join(ranks), "--data", args.data, "--backbone", args.backbone,
               "--max-steps", str(args.steps), "--no-eval", "--out", str(folder)]
    for setting in ("precision=bf16", "batch_size=8", "max_length=1024", "dropout=0", "evaluations_per_epoch=0"):
        command += ["--set", setting]
    return measured(command, f"{folder}.log")


def one_round(args, number):
    together = args.out / f"together-{number}"
    seconds, peak = train(args, RANKS, together)
    alone = []
    for rank in RANKS:
        folder = args.out / f"alone-{number}-r{rank}"
        alone.append(train(args, [rank], folder))
        same = [path.joinpath("adapter_model.safetensors").read_bytes() for path in (folder, together / f"6g-bench-r{rank}")]
        if same[0] != same[1]:
            raise SystemExit(f"rank {rank}: the adapter trained together differs from the one trained alone")
    return {"together": {"seconds": seconds, "peak_bytes": peak},
            "separate": {"seconds": sum(s for s, _ in alone), "sum_of_peaks_bytes": sum(p for _, p in alone),
                         "greatest_peak_bytes": max(p for _, p in alone), "each_seconds": [s for s, _ in alone]}}


def summary(rounds):
    def median(value):
        return statistics.median(value(r) for r in rounds)
    return {"time_ratio": median(lambda r: r["together"]["seconds"] / r["separate"]["seconds"]),
            "memory_of_sum": median(lambda r: r["together"]["peak_bytes"] / r["separate"]["sum_of_peaks_bytes"]),
            "memory_of_greatest": median(lambda r: r["together"]["peak_bytes"] / r["separate"]["greatest_peak_bytes"])}


def main():
    args = arguments()
    shutil.rmtree(args.out, ignore_errors=True)
    args.out.mkdir(parents=True)
    rounds = []
    for number in range(args.rounds):
        rounds.append(one_round(args, number))
        together, separate = rounds[-1]["together"], rounds[-1]["separate"]
        print(f"round {number + 1}: together {together['seconds']:.1f} s, {together['peak_bytes'] / 1e9:.2f} GB; separate "
              f"{separate['seconds']:.1f} s, {separate['sum_of_peaks_bytes'] / 1e9:.2f} GB at once, "
              f"{separate['greatest_peak_bytes'] / 1e9:.2f} GB one by one", flush=True)
    result = {"ranks": RANKS, "steps": args.steps, "batch": 8, "threads": os.cpu_count(), "rounds": rounds, "medians": summary(rounds)}
    Path(f"{args.out}.json").write_text(json.dumps(result, indent=1) + "\n")
    medians = result["medians"]
    print(f"medians of {args.rounds}: time {medians['time_ratio']:.2f}, memory {medians['memory_of_sum']:.2f} of the sum of four, "
          f"{medians['memory_of_greatest']:.2f} of the greatest one")


main()
