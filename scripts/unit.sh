#!/usr/bin/env bash
# Tests that need neither root, nor a cluster, nor anything that must be built first. Arguments are
# pytest's. tests/requirements.py says what they do need.
set -euo pipefail

cd "$(dirname "$0")/.."
exec bash tools/bootstrap.sh pytest -m unit --numprocesses=auto --dist=loadfile --quiet "$@"
