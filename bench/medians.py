"""Figures of the side-by-side benchmarks.

--measure RUN --warmup N prints one JSON line for a folder that lora-train wrote, its first N steps left out.
--ours FILE --peer FILE prints the medians of two files of such lines, and their ratio.
"""
import argparse
import json
import statistics
from pathlib import Path


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def measure(run, warmup):
    """tokens_per_second after the warm-up, by the clock of metrics.jsonl; peak_bytes of the whole process."""
    steps = [line for line in read_lines(run / "metrics.jsonl") if "tokens_total" in line]
    start, end = steps[warmup - 1], steps[-1]
    tokens, seconds = end["tokens_total"] - start["tokens_total"], end["seconds"] - start["seconds"]
    summary = json.loads((run / "summary.json").read_text())
    return {"peer": "telora", "steps": len(steps) - warmup, "tokens": tokens, "seconds": seconds,
            "tokens_per_second": tokens / seconds, "peak_bytes": summary["peak_rss_bytes"],
            "first_loss": steps[0]["loss"], "last_loss": end["loss"]}


def table(ours, peer):
    rows = [("tokens a second", "tokens_per_second", 1, True), ("peak memory, GB", "peak_bytes", 1e-9, False)]
    name = peer[0]["peer"]
    yield f"{'medians of ' + str(len(ours)):<18}{'telora':>10}{name:>10}{'ratio':>8}"
    for title, key, unit, more_is_better in rows:
        a, b = (statistics.median(line[key] for line in side) for side in (ours, peer))
        ratio = a / b if more_is_better else b / a
        yield f"{title:<18}{a * unit:>10.1f}{b * unit:>10.1f}{ratio:>7.2f}x"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", type=Path)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--ours")
    parser.add_argument("--peer")
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.warmup)))
    elif args.ours and args.peer:
        print(*table(read_lines(args.ours), read_lines(args.peer)), sep="\n")
    else:
        parser.error("give --measure, or both --ours and --peer")


main()
