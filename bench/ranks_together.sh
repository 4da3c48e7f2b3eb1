#!/usr/bin/env bash
# Ranks 4, 8, 16 and 32 in one process against four processes, in turn: wall time and peak memory. 6g-bench rows, bf16, batch 8, rows cut at
# 1,024 tokens, no scoring. Prints each round and the medians of the ratios, compares the adapters, writes build/bench/ranks_together.json.
#   bench/ranks_together.sh [DATA_DIR [ROUNDS [STEPS]]]      DATA_DIR (default ../shared/data/ot-full) holds sixg_bench.jsonl.gz
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [[ ${1-} == -h || ${1-} == --help ]]; then
  sed -n '2,4s/^# \{0,1\}//p' "$root/bench/ranks_together.sh"
  exit 0
fi
data=$(realpath -m "${1:-$root/../shared/data/ot-full}")
rounds=${2:-3} steps=${3:-4}
cd "$root"
[[ -f $data/sixg_bench.jsonl.gz ]] || { echo "bench: no $data/sixg_bench.jsonl.gz; name the folder of the benchmark's files" >&2; exit 66; }
for count in "$rounds" "$steps"; do
  [[ $count =~ ^[1-9][0-9]*$ ]] || { echo "bench: $count is not a positive number" >&2; exit 64; }
done

tools/setup.sh
source tools/build.sh
build_release lora-train
python3 bench/ranks_together.py --program build/release/bin/lora-train --data "$data" --rounds "$rounds" --steps "$steps" \
  --backbone models/smollm2-135m-instruct.gguf --out build/bench/ranks_together
