"""What lora-ablate writes, made again with other programs: ablation.json from predictions.jsonl with scipy and statsmodels, the event files
for TensorBoard with the tensorboard package."""
import itertools
import json

import common  # first: it skips where the references are missing

try:
    import numpy
    from scipy.stats import binomtest
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.proportion import proportion_confint
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as error:
    common.skip(f"{error}; tools/setup.sh --reference installs it")

RANKS = ["2", "4", "8"]
SETTINGS = ["max_steps=25", "batch_size=4", "learning_rate=2e-3", "warmup_min_steps=2", "evaluations_per_epoch=1"]


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def sweep(args):
    folder = common.fresh_folder("ablation")
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    common.program(args.bin, "lora-ablate", "--category", "3gpp-tsg", "--data", "sample", "--ranks", ",".join(RANKS), "--tensorboard",
                   "--backbone", args.backbone, "--quiet", "--out", folder, *settings)
    return folder


def marks(folder):
    """Of each run, right or wrong by question."""
    return {rank: {line["id"]: line["correct"] for line in lines(folder / "runs" / f"r{rank}" / "predictions.jsonl")} for rank in RANKS}


def check_accuracies(failures, report, right):
    for group, rank in zip(report["groups"], RANKS):
        correct, n = sum(right[rank].values()), len(right[rank])
        failures.check(group["name"] == f"rank {rank}", f"order of groups: {group['name']}")
        failures.close(f"rank {rank}: accuracy", [group["accuracy"]], [correct / n], 1e-9, [1])
        failures.close(f"rank {rank}: interval", group["interval_95"], proportion_confint(correct, n, method="wilson"), 1e-9)


def check_pairs(failures, report, right):
    wanted = []
    for first, second in itertools.combinations(RANKS, 2):
        won = sum(right[second][i] and not right[first][i] for i in right[first])
        lost = sum(right[first][i] and not right[second][i] for i in right[first])
        p = binomtest(min(won, lost), won + lost, 0.5).pvalue if won + lost else 1.0
        wanted.append((won - lost, p))
    adjusted = multipletests([p for _, p in wanted], method="holm")[1]
    n = len(right[RANKS[0]])
    failures.check(len(report["pairs"]) == len(wanted), "number of pairs")
    for pair, (points, p), holm in zip(report["pairs"], wanted, adjusted):
        label = f"{pair['second']} against {pair['first']}"
        failures.close(f"{label}: difference, p, adjusted p", [pair["difference"], pair["p"], pair["adjusted_p"]], [points / n, p, holm], 1e-9, [1])
        failures.check(pair["interval_95"][0] <= pair["difference"] <= pair["interval_95"][1], f"{label}: interval")


def check_verdict(failures, report):
    best = max(report["groups"], key=lambda group: group["accuracy"])
    failures.check(report["best"] == best["name"], f"best: {report['best']}")
    same = {best["name"]}
    for pair in report["pairs"]:
        if best["name"] in (pair["first"], pair["second"]) and pair["finding"] == "not distinguishable":
            same |= {pair["first"], pair["second"]}
    smallest = min((group for group in report["groups"] if group["name"] in same), key=lambda group: group["adapter_bytes"])
    failures.check(report["smallest_like_best"] == smallest["name"], f"smallest: {report['smallest_like_best']}, {smallest['name']} here")
    for group in report["groups"]:
        beaten = any(other["adapter_bytes"] <= group["adapter_bytes"] and other["accuracy"] >= group["accuracy"] and other is not group
                     and (other["adapter_bytes"] < group["adapter_bytes"] or other["accuracy"] > group["accuracy"]) for other in report["groups"])
        failures.check(group["on_front"] != beaten, f"{group['name']}: front")


def check_events(failures, run):
    events = EventAccumulator(str(run))
    events.Reload()
    steps = [line for line in lines(run / "metrics.jsonl") if "evaluation" not in line]
    evaluations = [line for line in lines(run / "metrics.jsonl") if "evaluation" in line]
    for name, key, wanted in [("train/loss", "loss", steps), ("train/grad_norm", "grad_norm", steps), ("train/learning_rate", "lr", steps),
                              ("validation/selection_accuracy", "selection_accuracy", evaluations)]:
        found = events.Scalars(name)
        failures.check([scalar.step for scalar in found] == [line["step"] for line in wanted], f"{name}: steps")
        failures.close(name, [scalar.value for scalar in found], [line[key] for line in wanted], 1e-6)


def main():
    args = common.arguments(__doc__)
    failures = common.Failures()
    folder = sweep(args)
    report = json.loads((folder / "ablation.json").read_text(encoding="utf-8"))
    right = marks(folder)
    failures.check(len({tuple(sorted(one)) for one in right.values()}) == 1, "the runs answered other questions")
    failures.check(numpy.ptp([sum(one.values()) for one in right.values()]) > 0, "all ranks scored the same: nothing was compared")
    check_accuracies(failures, report, right)
    check_pairs(failures, report, right)
    check_verdict(failures, report)
    check_events(failures, folder / "runs" / "r4")
    failures.finish()


if __name__ == "__main__":
    main()
