#!/usr/bin/env bash
# How near each kernel comes to what this processor can multiply, one thread (Google Benchmark); writes build/bench/kernels.json.
#   bench/kernels.sh [OPTION...]      options of Google Benchmark, --benchmark_filter=REGEX for one
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"
if [[ ${1-} == -h || ${1-} == --help ]]; then
  bench_help
  exit 0
fi
cd "$root"
tools/setup.sh
source tools/build.sh
build_release bench_kernels
mkdir -p build/bench
build/release/bin/bench_kernels --benchmark_out=build/bench/kernels.json --benchmark_out_format=json "$@"
