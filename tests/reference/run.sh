#!/usr/bin/env bash
# Runs one of the Python references with the checkout's .venv; exit code 77 tells CTest that it was skipped.
set -euo pipefail
python=$(dirname "${BASH_SOURCE[0]}")/../../.venv/bin/python
if [[ ! -x $python ]]; then
  echo "SKIP: no .venv/bin/python; tools/setup.sh --reference installs it"
  exit 77
fi
exec "$python" "$@"
