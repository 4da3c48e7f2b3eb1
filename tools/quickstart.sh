#!/usr/bin/env bash
# Installs what is missing, builds the programs and trains a rank-16 adapter on the embedded sample.
#   tools/quickstart.sh [CATEGORY] [lora-train options...]      CATEGORY defaults to 3gpp-tsg
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ${1-} == -h || ${1-} == --help ]]; then
  sed -n '2,3s/^# \{0,1\}//p' tools/quickstart.sh
  exit 0
fi
category=3gpp-tsg
if [[ $# -gt 0 && $1 != -* ]]; then
  category=$1
  shift
fi

tools/setup.sh
source tools/build.sh
build_release tools/all

mkdir -p build/release
stamp=$(mktemp build/release/quickstart.XXXXXX)
trap 'rm -f "$stamp"' EXIT
command=(build/release/bin/lora-train --category "$category" --rank 16 --data sample
         --config configs/recipes/quick.yaml "$@")
printf 'quickstart: %s\n' "${command[*]}"
"${command[@]}"

# A run is complete when its manifest exists, which is written last.
manifest=$(find runs -mindepth 2 -maxdepth 2 -name telora.json -newer "$stamp" 2>/dev/null | tail -n 1)
if [[ -n $manifest ]]; then
  run=${manifest%/telora.json}
  printf 'quickstart: the adapter is %s/%s, a PEFT folder\n' "$PWD" "$run"
fi
