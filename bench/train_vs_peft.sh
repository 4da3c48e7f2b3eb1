#!/usr/bin/env bash
# LoRA training speed of lora-train and of PEFT, side by side in one go: the same backbone, 6g-bench rows, bf16, batch 8, rank 16,
# rows cut at 1,024 tokens, two warm-up steps left out on both sides. Prints the medians and their ratio.
#   bench/train_vs_peft.sh [DATA_DIR [ROUNDS]]      DATA_DIR (default ../shared/data/ot-full) holds sixg_bench.jsonl.gz
# PEFT_TRAIN names another peer script with the options of bench/peft_train.py.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [[ ${1-} == -h || ${1-} == --help ]]; then
  sed -n '2,5s/^# \{0,1\}//p' "$root/bench/train_vs_peft.sh"
  exit 0
fi
data=$(realpath -m "${1:-$root/../shared/data/ot-full}")
rounds=${2:-3}
peer=$(realpath -m "${PEFT_TRAIN:-$root/bench/peft_train.py}")
cd "$root"
rows=$data/sixg_bench.jsonl.gz
[[ -f $rows ]] || { echo "bench: no $rows; name the folder of the benchmark's files" >&2; exit 66; }
[[ $rounds =~ ^[1-9][0-9]*$ ]] || { echo "bench: ROUNDS is $rounds, not a positive number" >&2; exit 64; }

tools/setup.sh --reference
source tools/build.sh
build_release lora-train

warmup=2 steps=8
threads=$(nproc)
backbone=models/smollm2-135m-instruct.gguf
python=.venv/bin/python
out=build/bench/train_vs_peft
rm -rf "$out"
mkdir -p "$out"
base=$("$python" tests/reference/common.py "$backbone")

run_ours() {
  build/release/bin/lora-train --category 6g-bench --rank 16 --data "$data" --backbone "$backbone" --max-steps $((warmup + steps)) \
    --set precision=bf16 --set batch_size=8 --set max_length=1024 --set dropout=0 --set evaluations_per_epoch=0 --set threads="$threads" --no-eval \
    --out "$out/run-$1" >"$out/run-$1.log" 2>&1 || { tail -n 5 "$out/run-$1.log" >&2; return 1; }
  "$python" bench/medians.py --measure "$out/run-$1" --warmup "$warmup"
}

run_peer() {
  "$python" "$peer" --base "$base" --rows "$rows" --dtype bf16 --batch 8 --rank 16 --steps "$steps" --warmup "$warmup" \
    --threads "$threads" 2>"$out/peer-$1.log" || { tail -n 5 "$out/peer-$1.log" >&2; return 1; }
}

for ((round = 1; round <= rounds; ++round)); do
  run_ours "$round" | tee -a "$out/ours.jsonl"
  run_peer "$round" | tee -a "$out/peer.jsonl"
done
"$python" bench/medians.py --ours "$out/ours.jsonl" --peer "$out/peer.jsonl"
