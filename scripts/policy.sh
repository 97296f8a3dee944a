#!/usr/bin/env bash
# Previews the stacks named as arguments without a cluster or a cloud, judges them by the policies
# and prints their budgets. BASE: a commit to compare with. OUTPUT: a folder for the report and the
# full diffs.
. "$(dirname "$0")/environment.sh"

use_tools
options=()
if [ -n "${OUTPUT:-}" ]; then
  options+=(--output "$OUTPUT")
fi
if [ -n "${BASE:-}" ]; then
  base=$(mktemp -d)
  trap 'rm -rf "$base"' EXIT
  git archive "$BASE" | tar -x -C "$base"
  options+=(--base "$base")
fi
python -m review report "${options[@]}" "$@"
