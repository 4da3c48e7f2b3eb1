#!/usr/bin/env bash
# LoRA training speed of lora-train --device cuda and of PEFT on one GPU, side by side in one go: random weights of the true shapes of
# Llama-3.2-1B and Qwen3-0.6B, 6g-bench rows, bf16, batch 16, rank 16, rows cut at 1,024 tokens, warm-up steps left out on both sides.
# Prints the medians and their ratio (the table's memory is the host's), the GPU memory of each round as nvidia-smi shows it, and the
# share of the GPU's own matrix product rate that the frozen linears reach.
#   bench/gpu.sh [DATA_DIR [ROUNDS]]      DATA_DIR (default ../shared/data/ot-full) holds sixg_bench.jsonl.gz
# TRIAL=1 tries the script itself on a machine without a GPU: one block, the CPU, few steps.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [[ ${1-} == -h || ${1-} == --help ]]; then
  sed -n '2,7s/^# \{0,1\}//p' "$root/bench/gpu.sh"
  exit 0
fi
data=$(realpath -m "${1:-$root/../shared/data/ot-full}")
rounds=${2:-3}
cd "$root"
rows=$data/sixg_bench.jsonl.gz
[[ -f $rows ]] || { echo "bench: no $rows; name the folder of the benchmark's files" >&2; exit 66; }
[[ $rounds =~ ^[1-9][0-9]*$ ]] || { echo "bench: ROUNDS is $rounds, not a positive number" >&2; exit 64; }

preset=cuda device=cuda batch=16 warmup=5 steps=30 fewer=()
if [[ ${TRIAL:-0} == 1 ]]; then preset=release device=cpu batch=2 warmup=1 steps=2 fewer=(--layers 1); fi
if [[ ${TRIAL:-0} != 1 ]]; then
  tools/setup.sh --reference --cuda
  [[ -f build/$preset/build.ninja ]] || cmake --preset "$preset"
  cmake --build --preset "$preset" --target lora-train
fi

python=.venv/bin/python
out=build/bench/gpu
tokenizer=$("$python" tests/reference/common.py models/smollm2-135m-instruct.gguf)

# Runs a command and says how much of the GPU's memory was in use at most, all processes together.
watching_memory() { # WHAT COMMAND...
  local what=$1 log=$out/memory.log watcher
  shift
  [[ $device == cuda ]] || { "$@"; return; }
  nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits --loop-ms=200 >"$log" &
  watcher=$!
  "$@" || { kill "$watcher"; return 1; }
  kill "$watcher"
  echo "$what: $(sort -n "$log" | tail -n 1) MiB of GPU memory" >&2
}

run_ours() { # SHAPE ROUND
  local run=$out/$1/run-$2
  "build/$preset/bin/lora-train" --category 6g-bench --rank 16 --data "$data" --backbone "$out/$1/model" --device "$device" \
    --max-steps $((warmup + steps)) --set chat_template=smollm2 --set batch_size="$batch" --set tokens_per_pass=16384 \
    --set max_length=1024 --set dropout=0 --set evaluations_per_epoch=0 --no-eval --out "$run" >"$run.log" 2>&1 ||
    { tail -n 5 "$run.log" >&2; return 1; }
  "$python" bench/medians.py --measure "$run" --warmup "$warmup"
}

run_peer() { # SHAPE ROUND
  "$python" bench/peft_train.py --base "$out/$1/model" --rows "$rows" --dtype bf16 --batch "$batch" --rank 16 --steps "$steps" \
    --warmup "$warmup" --device "$device" --threads "$(nproc)" 2>"$out/$1/peer-$2.log" || { tail -n 5 "$out/$1/peer-$2.log" >&2; return 1; }
}

for shape in llama-3.2-1b qwen3-0.6b; do
  mkdir -p "$out/$shape"
  rm -rf "$out/$shape"/{run-*,*.jsonl,peer-*}
  flop=$("$python" bench/random_model.py "$shape" "$out/$shape/model" --tokenizer "$tokenizer" "${fewer[@]}")
  for ((round = 1; round <= rounds; ++round)); do
    watching_memory telora run_ours "$shape" "$round" | tee -a "$out/$shape/ours.jsonl"
    watching_memory PEFT run_peer "$shape" "$round" | tee -a "$out/$shape/peer.jsonl"
  done
  echo "$shape"
  "$python" bench/medians.py --ours "$out/$shape/ours.jsonl" --peer "$out/$shape/peer.jsonl"
  "$python" bench/gemm_rate.py --device "$device" --flop-per-token "$flop" --ours "$out/$shape/ours.jsonl" --model "$out/$shape/model"
done
