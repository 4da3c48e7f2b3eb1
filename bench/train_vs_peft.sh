#!/usr/bin/env bash
# LoRA training speed of lora-train and of PEFT, side by side in one go: the same backbone, 6g-bench rows, batch 8, rank 16,
# rows cut at 1,024 tokens, two warm-up steps left out on both sides. Prints the medians and their ratio.
#   bench/train_vs_peft.sh [DATA_DIR [ROUNDS]]      DATA_DIR (default ../shared/data/ot-full) holds sixg_bench.jsonl.gz
# PRECISION is bf16 (default) or f32, STEPS the counted steps of a run (default 8). PEFT_TRAIN names another peer script with the
# options of bench/peft_train.py.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"
peer=$(peer_script "${PEFT_TRAIN-}" peft_train.py)
bench_begin sixg_bench.jsonl.gz lora-train REFERENCE "$@"
base=$("$python" tests/reference/common.py "$backbone")
warmup=2 steps=${STEPS:-8} precision=${PRECISION:-bf16}

run_ours() {
  logged "$out/run-$1.log" build/release/bin/lora-train --category 6g-bench --rank 16 --data "$data" --backbone "$backbone" \
    --max-steps $((warmup + steps)) --set precision="$precision" --set batch_size=8 --set max_length=1024 --set dropout=0 \
    --set evaluations_per_epoch=0 --set threads="$threads" --no-eval --out "$out/run-$1" >"$out/run-$1.txt"
  "$python" bench/medians.py training "$out/run-$1" --warmup "$warmup"
}

run_peer() {
  logged "$out/peer-$1.log" "$python" "$peer" --base "$base" --rows "$data/sixg_bench.jsonl.gz" --dtype "$precision" --batch 8 --rank 16 \
    --steps "$steps" --warmup "$warmup" --threads "$threads"
}

bench_compare
