#!/usr/bin/env bash
# All tests; with arguments those of pytest's, such as tests/unit. The pipeline is deployed in the
# sandbox first, where a selected test needs it.
. "$(dirname "$0")/environment.sh"

STACK=sandbox

deploy() {
  scripts/up.sh
  use_stack
}

run_selected() {
  local selected
  use_tools
  selected=$(pytest --quiet --print-requirements "$@") || {
    echo "$selected" >&2
    exit 1
  }
  ! grep -qE '^requirements:.* (pipeline|cluster)' <<<"$selected" || deploy
  exec pytest "$@"
}

[ $# -eq 0 ] || run_selected "$@"

# The deployed pipeline is one, so what uses it runs alone. The rest runs at the same time and gets
# the time of the cores that is left over; its output follows in the end.
deploy
output=$(mktemp)
trap 'rm -f "$output"' EXIT
nice -n 10 pytest -m "not pipeline" --numprocesses=auto --dist=loadfile >"$output" 2>&1 &
failed=0
pytest -m pipeline || failed=$?
wait $! || failed=$?
cat "$output"
exit "$failed"
