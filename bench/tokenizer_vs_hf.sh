#!/usr/bin/env bash
# Tokenising speed of telora and of Hugging Face tokenizers, side by side in one go: SmolLM2's vocabulary, each line of two files a
# text, one thread (a second of its processor time) and a batch on all threads (by the clock). Both must give as many tokens.
#   bench/tokenizer_vs_hf.sh [DATA_DIR [ROUNDS]]      DATA_DIR (default ../shared/data/ot-full) holds oranbench and teleqna
# HF_TOKENIZER names another peer script with the options of bench/hf_tokenizer.py.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"
peer=$(peer_script "${HF_TOKENIZER-}" hf_tokenizer.py)
bench_begin teleqna.jsonl.gz bench_tokenizer REFERENCE "$@"
base=$("$python" tests/reference/common.py "$backbone")
files=("$data/oranbench.jsonl.gz" "$data/teleqna.jsonl.gz")

run_ours() { logged "$out/ours-$1.log" build/release/bin/bench_tokenizer --json "$base" "${files[@]}"; }
run_peer() { logged "$out/peer-$1.log" "$python" "$peer" --tokenizer "$base/tokenizer.json" --repeats 3 "${files[@]}"; }

bench_compare
