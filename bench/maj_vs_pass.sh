#!/usr/bin/env bash
# What Maj@4 costs: greedy answers alone (pass@1) and with four samples beside each (maj@4), alternately, the same 6g-bench questions,
# bf16, sixteen new tokens at most, no option scores. The ratio says how many times as long a question takes with the samples.
#   bench/maj_vs_pass.sh [DATA_DIR [ROUNDS]]      DATA_DIR (default ../shared/data/ot-full) holds sixg_bench.jsonl.gz
# QUESTIONS: how many (default 64). ADAPTER: an adapter's folder, scored instead of the base, which never ends its answers.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"
bench_begin sixg_bench.jsonl.gz lora-eval ALONE "$@"
draw_questions "${QUESTIONS:-64}"
adapter=()
[[ -z ${ADAPTER-} ]] || adapter=(--adapter "$ADAPTER")

run_ours() { answer_questions "$1" pass@1 "${adapter[@]}"; }
run_peer() { answer_questions "$1" maj@4 --maj 4 "${adapter[@]}"; }

bench_compare
