"""Figures of the side-by-side benchmarks.

    medians.py training RUN --warmup N          one JSON line for a folder that lora-train wrote, its first N steps left out
    medians.py evaluation OUT [--name NAME]     one JSON line for a folder that lora-eval wrote
    medians.py compare --ours FILE --peer FILE --out FILE
                                                medians of two files of such lines, round by round, as a table and as JSON

    medians.py lines --lines FILE --out FILE    such lines and the machine, as JSON

A ratio is that of two runs of one round, and above 1 where the first side is better; the median of the rounds is shown.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
from pathlib import Path

# key: title, unit, whether more is better
FIGURES = {
    "tokens_per_second": ("tokens a second", 1, True),
    "questions_per_second": ("questions a second", 1, True),
    "prompt_tokens_per_second": ("prompt tokens a second", 1, True),
    "megabytes_per_second_of_one_thread": ("MB a second, one thread", 1, True),
    "megabytes_per_second_of_a_batch": ("MB a second, a batch", 1, True),
    "peak_bytes": ("peak memory, GB", 1e-9, False),
}
SAME_WORK = ("questions", "prompt_tokens", "text_tokens")  # of both sides of a round


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def training(args):
    """tokens_per_second after the warm-up, by the clock of metrics.jsonl; peak_bytes of the whole process."""
    steps = [line for line in read_lines(args.folder / "metrics.jsonl") if "tokens_total" in line]
    start, end = steps[args.warmup - 1], steps[-1]
    tokens, seconds = end["tokens_total"] - start["tokens_total"], end["seconds"] - start["seconds"]
    summary = json.loads((args.folder / "summary.json").read_text())
    print(json.dumps({"peer": "telora", "steps": len(steps) - args.warmup, "tokens": tokens, "seconds": seconds,
                      "tokens_per_second": tokens / seconds, "peak_bytes": summary["peak_rss_bytes"],
                      "first_loss": steps[0]["loss"], "last_loss": end["loss"]}))


def evaluation(args):
    """Speed from token ids to scores, and tokenising, which peers cannot do before; not loading."""
    summary = json.loads((args.folder / "summary.json").read_text())
    subject = summary["subjects"][-1]  # the base, or the one adapter
    predictions = read_lines(args.folder / f"predictions-{Path(subject['name']).name}.jsonl")
    seconds = summary["encode_seconds"] + subject["seconds"]
    right = sum((line["output"] or "").strip() == f"ANSWER: {line['gold']}" for line in predictions)
    print(json.dumps({"peer": args.name, "questions": summary["questions"], "prompt_tokens": summary["prompt_tokens"], "seconds": seconds,
                      "questions_per_second": summary["questions"] / seconds,
                      "prompt_tokens_per_second": summary["prompt_tokens"] / seconds, "correct": right,
                      "peak_bytes": summary["peak_rss_bytes"]}))


def machine():
    """What the figures depend on besides the programs."""
    processor = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                      if line.startswith("model name")), platform.processor())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {"processor": processor, "cores": len(os.sched_getaffinity(0)), "system": f"{platform.system()} {platform.release()}",
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "load_average_after": os.getloadavg(),
            "commit": commit}


def require_same_work(ours, peer):
    for a, b in zip(ours, peer, strict=True):
        for key in SAME_WORK:
            if a.get(key, b.get(key)) != b.get(key, a.get(key)):
                raise SystemExit(f"bench: {key}: {a['peer']} {a[key]}, {b['peer']} {b[key]}; the two sides did different work")


def compared(ours, peer):
    """Of each figure that both sides have: the two medians, and the median of the rounds' ratios."""
    result = {}
    for key, (_, _, more_is_better) in FIGURES.items():
        if not all(key in line for line in ours + peer):
            continue
        pairs = [(a[key], b[key]) for a, b in zip(ours, peer)]
        ratios = [a / b if more_is_better else b / a for a, b in pairs]
        medians = [statistics.median(side) for side in zip(*pairs)]
        result[key] = {ours[0]["peer"]: medians[0], peer[0]["peer"]: medians[1], "ratio": statistics.median(ratios), "ratios": ratios}
    return result


def table(result, names, rounds):
    yield f"{'medians of ' + str(rounds):<26}{names[0]:>14}{names[1]:>14}{'ratio':>8}"
    for key, figure in result.items():
        title, unit, _ = FIGURES[key]
        a, b = (figure[name] * unit for name in names)
        yield f"{title:<26}{a:>14.2f}{b:>14.2f}{figure['ratio']:>7.2f}x"


def compare(args):
    ours, peer = read_lines(args.ours), read_lines(args.peer)
    require_same_work(ours, peer)
    names = [ours[0]["peer"], peer[0]["peer"]]
    result = compared(ours, peer)
    args.out.write_text(json.dumps({"benchmark": args.out.stem, "machine": machine(), "figures": result,
                                    "rounds": [dict(zip(names, pair)) for pair in zip(ours, peer)]}, indent=1) + "\n")
    print(*table(result, names, len(ours)), sep="\n")


def lines(args):
    args.out.write_text(json.dumps({"benchmark": args.out.stem, "machine": machine(), "settings": read_lines(args.lines)}, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("training")
    command.add_argument("folder", type=Path)
    command.add_argument("--warmup", type=int, default=2)
    command.set_defaults(run=training)
    command = commands.add_parser("evaluation")
    command.add_argument("folder", type=Path)
    command.add_argument("--name", default="telora")
    command.set_defaults(run=evaluation)
    command = commands.add_parser("compare")
    for option in ("--ours", "--peer", "--out"):
        command.add_argument(option, type=Path, required=True)
    command.set_defaults(run=compare)
    command = commands.add_parser("lines")
    for option in ("--lines", "--out"):
        command.add_argument(option, type=Path, required=True)
    command.set_defaults(run=lines)
    args = parser.parse_args()
    args.run(args)


main()
