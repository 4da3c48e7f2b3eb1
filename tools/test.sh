#!/usr/bin/env bash
# Builds everything and runs all tests. Arguments go to ctest: tools/test.sh -R tokenizer
# TELORA_REFERENCE=off leaves out the Python references (4 GB in .venv); TELORA_FUZZ_SECONDS is how long each fuzzer runs (60), 0
# leaves them out; TELORA_TEST_JOBS sets how many tests run at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
SECONDS=0

finish() { printf 'test: %s after %d min %02d s\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }
trap 'finish "stopped by an error"' ERR

parts=() left_out=()
if [[ ${TELORA_REFERENCE:-on} != off ]]; then parts+=(--reference); fi
if [[ ${TELORA_FUZZ_SECONDS:-60} == 0 ]]; then left_out=(--label-exclude '^fuzz$'); else parts+=(--fuzz); fi
tools/setup.sh "${parts[@]}"
source tools/build.sh
build_release

# Tests labelled slow or reference use every core and are marked RUN_SERIAL; the others run side by side on one thread each.
status=0
OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} ctest --preset release --no-tests=error --parallel "${TELORA_TEST_JOBS:-2}" "${left_out[@]}" "$@" || status=$?
trap - ERR
finish "$([[ $status -eq 0 ]] && echo 'all passed' || echo 'FAILED')"
exit "$status"
