#!/usr/bin/env bash
# Training speed and memory against row length, rows a batch, rank, threads and size of the model, by bench_scaling on random rows.
# Prints a line a setting and writes build/bench/scaling.json.
#   bench/scaling.sh [PRECISION]      bf16 (default) or f32
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"
if [[ ${1-} == -h || ${1-} == --help ]]; then
  bench_help
  exit 0
fi
cd "$root"
tools/setup.sh
source tools/build.sh
build_release bench_scaling
mkdir -p build/bench
build/release/bin/bench_scaling models/smollm2-135m-instruct.gguf "${1:-bf16}" | tee build/bench/scaling.jsonl
.venv/bin/python bench/medians.py lines --lines build/bench/scaling.jsonl --out build/bench/scaling.json
