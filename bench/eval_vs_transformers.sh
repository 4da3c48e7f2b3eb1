#!/usr/bin/env bash
# Greedy answers of lora-eval and of transformers, side by side in one go: the same backbone in bf16, the same 6g-bench questions, six
# new tokens, no option scores. Loading is left out on both sides. Prints the medians and their ratio.
#   bench/eval_vs_transformers.sh [DATA_DIR [ROUNDS]]      DATA_DIR (default ../shared/data/ot-full) holds sixg_bench.jsonl.gz
# QUESTIONS: how many (default 48). HF_EVAL names another peer script with the options of bench/hf_eval.py.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"
peer=$(peer_script "${HF_EVAL-}" hf_eval.py)
questions=${QUESTIONS:-48}
bench_begin sixg_bench.jsonl.gz lora-eval REFERENCE "$@"
base=$("$python" tests/reference/common.py "$backbone")
draw_questions "$questions"

run_ours() { answer_questions "$1" telora --max-new-tokens 6; }

run_peer() {
  logged "$out/peer-$1.log" "$python" "$peer" --base "$base" --rows "$out/questions.jsonl.gz" --dtype bf16 --batch 16 \
    --count "$questions" --threads "$threads"
}

bench_compare
