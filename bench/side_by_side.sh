# Sourced by the benchmarks beside it. A script says what it compares and then
#   bench_begin "$@"       reads [DATA_DIR [ROUNDS]], builds, and sets root, data, rounds, threads, backbone, python, out
#   run_ours N, run_peer N are the script's own: one run each, one JSON line on stdout
#   bench_compare          runs them alternately, prints medians and ratios, writes build/bench/NAME.json
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
name=$(basename "$0" .sh)

bench_fail() { # CODE MESSAGE
  echo "bench: $2" >&2
  exit "$1"
}

# The comment at the top of the script.
bench_help() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$root/bench/$name.sh"; }

bench_begin() { # NEEDED_FILE TARGET REFERENCE|ALONE [DATA_DIR [ROUNDS]]
  local needed=$1 target=$2 peers=$3
  shift 3
  if [[ ${1-} == -h || ${1-} == --help ]]; then
    bench_help
    exit 0
  fi
  data=$(realpath -m "${1:-$root/../shared/data/ot-full}")
  rounds=${2:-3}
  [[ -f $data/$needed ]] || bench_fail 66 "no $data/$needed; name the folder of the benchmark's files"
  [[ $rounds =~ ^[1-9][0-9]*$ ]] || bench_fail 64 "ROUNDS is $rounds, not a positive number"
  cd "$root"
  if [[ $peers == REFERENCE ]]; then tools/setup.sh --reference; else tools/setup.sh; fi
  source tools/build.sh
  build_release "$target"
  threads=$(nproc)
  backbone=models/smollm2-135m-instruct.gguf
  python=.venv/bin/python
  out=build/bench/$name
  rm -rf "$out"
  mkdir -p "$out"
}

# A peer's script: bench/FILE, or what the environment names instead.
peer_script() { realpath -m "${1:-$root/bench/$2}"; }

# Runs a command, its errors in a file that is shown if it fails.
logged() { # LOG COMMAND...
  local log=$1
  shift
  "$@" 2>"$log" || {
    tail -n 5 "$log" >&2
    return 1
  }
}

bench_compare() {
  local round
  for ((round = 1; round <= rounds; ++round)); do
    run_ours "$round" | tee -a "$out/ours.jsonl"
    run_peer "$round" | tee -a "$out/peer.jsonl"
  done
  "$python" bench/medians.py compare --ours "$out/ours.jsonl" --peer "$out/peer.jsonl" --out "build/bench/$name.json"
  echo "build/bench/$name.json holds every round"
}

# Greedy answers of lora-eval to the test part of $out/data, which draw_questions made; more options may follow.
answer_questions() { # ROUND NAME [OPTION...]
  local folder=$out/$2-$1 label=$2
  shift 2
  logged "$folder.log" build/release/bin/lora-eval run --category 6g-bench --backbone "$backbone" --precision bf16 --data "$out/data" \
    --split-method py --no-selection --quiet --out "$folder" "$@" >"$folder.txt"
  "$python" bench/medians.py evaluation "$folder" --name "$label"
}

draw_questions() { # COUNT
  [[ $1 =~ ^[1-9][0-9]*$ ]] || bench_fail 64 "QUESTIONS is $1, not a positive number"
  "$python" bench/draw_questions.py --rows "$data/sixg_bench.jsonl.gz" --count "$1" --out "$out"
}
