"""The tensorboard package reads the event files that `lora-ablate --tensorboard` writes, and finds the figures of metrics.jsonl."""
import json
import sys

import common

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as error:
    common.skip(f"{error}; tools/setup.sh --reference installs it")


def main():
    args = common.arguments(__doc__)
    failures = common.Failures()
    folder = common.fresh_folder("ablation")
    settings = [part for setting in ("max_steps=4", "batch_size=2", "warmup_min_steps=1") for part in ("--set", setting)]
    common.program(args.bin, "lora-ablate", "--category", "oran-bench", "--data", "sample", "--ranks", "2", "--no-eval", "--tensorboard",
                   "--backbone", args.backbone, "--quiet", "--out", folder, *settings)
    run = folder / "runs" / "r2"
    events = EventAccumulator(str(run))
    events.Reload()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "evaluation" not in line]
    evaluations = [line for line in lines if "evaluation" in line]
    for name, key, wanted in [("train/loss", "loss", steps), ("train/grad_norm", "grad_norm", steps),
                              ("validation/selection_accuracy", "selection_accuracy", evaluations)]:
        found = events.Scalars(name)
        failures.check([scalar.step for scalar in found] == [line["step"] for line in wanted], f"{name}: steps")
        failures.close(name, [scalar.value for scalar in found], [line[key] for line in wanted], 1e-6)
    failures.finish()


if __name__ == "__main__":
    sys.exit(main())
