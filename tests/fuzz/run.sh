#!/usr/bin/env bash
# Builds and runs the fuzzers (libFuzzer, clang): every reader of files that come from elsewhere.
#   tests/fuzz/run.sh [TARGET...]          each for TELORA_FUZZ_SECONDS (60); a crash ends with exit code 1 and names its input
#   tests/fuzz/run.sh --build              only builds
#   tests/fuzz/run.sh --grow [TARGET...]   reduces the corpus, the seeds and what the fuzzers found to a new corpus of 48 inputs
# Exit code 77: clang or its libFuzzer is missing, nothing was run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=build/fuzz
every=(safetensors gguf tokenizer_json sentencepiece adapter_config)
# Larger files only take longer: everything that a reader can meet is in smaller ones.
options=(-max_len=16384 -rss_limit_mb=1024 -malloc_limit_mb=64 -timeout=10 -print_final_stats=1 -verbosity=0 -seed="${TELORA_FUZZ_SEED:-1}")

skip() { echo "SKIP: $*; tools/setup.sh --fuzz installs them"; exit 77; }

require_clang() {
  command -v clang++ >/dev/null || skip "no clang++, which the fuzzers are built by"
  local empty='extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }'
  clang++ -x c++ -fsanitize=fuzzer,address - -o /dev/null <<<"$empty" 2>/dev/null || skip "clang++ is here without libclang-rt (libFuzzer, sanitizers)"
}

build_fuzzers() {
  source tools/build.sh
  [[ -f $build/build.ninja ]] || cmake -S tests/fuzz/fuzzers -B $build -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_COMPILER=clang++ >/dev/null
  cmake --build $build --parallel "$(compile_jobs)"
}

run_fuzzer() {
  local target=$1 found=$build/found/$1
  mkdir -p "$found"
  "$build/${target}_fuzzer" "${options[@]}" -max_total_time="${TELORA_FUZZ_SECONDS:-60}" -artifact_prefix="$build/crash-$target-" \
    "$found" "tests/fuzz/corpus/$target" && return
  echo "the input is $build/crash-$target-*; run $build/${target}_fuzzer with it"
  return 1
}

# A merge only measures; the picked ones take the corpus' place, but for those that once were findings.
grow() {
  local target=$1 seeds=$build/seeds new=$build/grown/$1 merged=$build/merged
  rm -rf "$seeds" "$new" "$merged" "$build/merge" # libFuzzer would go on with an earlier merge
  mkdir -p "$new" "$merged" "$build/found/$target" "tests/fuzz/corpus/$target"
  python3 tests/fuzz/make_seeds.py "$seeds"
  "$build/${target}_fuzzer" -set_cover_merge=1 -use_counters=0 -max_len=8192 -verbosity=0 -merge_control_file="$build/merge" \
    "$merged" "$seeds/$target" "tests/fuzz/corpus/$target" "$build/found/$target"
  python3 tests/fuzz/pick_inputs.py "$build/merge" "${TELORA_FUZZ_INPUTS:-48}" "$new"
  find "tests/fuzz/corpus/$target" -type f ! -name 'finding-*' -delete
  cp "$new"/* "tests/fuzz/corpus/$target/"
}

task=run_fuzzer
case ${1:-} in
  --build) task=: ; shift ;;
  --grow) task=grow; shift ;;
esac
require_clang
build_fuzzers
for target in "${@:-${every[@]}}"; do $task "$target"; done
