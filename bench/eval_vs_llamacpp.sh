#!/usr/bin/env bash
# Greedy answers of lora-eval and of llama.cpp, side by side in one go: the same GGUF file (lora-eval multiplies in bf16, llama.cpp in
# the file's own type), the same 6g-bench questions, six new tokens, no option scores. llama.cpp answers one after the other, as its
# server does for one user. Loading is left out on both sides. Prints the medians and their ratio.
#   bench/eval_vs_llamacpp.sh [DATA_DIR [ROUNDS]]      DATA_DIR (default ../shared/data/ot-full) holds sixg_bench.jsonl.gz
# QUESTIONS: how many (default 32). LLAMACPP_EVAL names another peer script with the options of bench/llamacpp_eval.py.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"
peer=$(peer_script "${LLAMACPP_EVAL-}" llamacpp_eval.py)
questions=${QUESTIONS:-32}
bench_begin sixg_bench.jsonl.gz lora-eval REFERENCE "$@"
draw_questions "$questions"

run_ours() { answer_questions "$1" telora --max-new-tokens 6; }

run_peer() {
  logged "$out/peer-$1.log" "$python" "$peer" --base "$backbone" --rows "$out/questions.jsonl.gz" --count "$questions" --threads "$threads"
}

bench_compare
