# Sourced by the scripts beside it: build_release [TARGET...] configures the preset `release` once and builds.

# As many compilers at once as there are cores, but one for each 2 GB of memory: LibTorch's headers are large.
compile_jobs() {
  local cores memory
  cores=$(nproc 2>/dev/null || echo 2)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 2097152) }' /proc/meminfo 2>/dev/null || echo "$cores")
  ((memory < cores)) && cores=$memory
  echo $((cores > 0 ? cores : 1))
}

build_release() {
  local targets=()
  (($#)) && targets=(--target "$@")
  [[ -f build/release/build.ninja ]] || cmake --preset release
  cmake --build --preset release --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(compile_jobs)}" "${targets[@]}"
}
