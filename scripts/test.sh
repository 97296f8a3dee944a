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
# the time of the cores that is left over; its output follows in the end. A test that hangs ends by
# itself (tests/limits.py). CI has 90 minutes for everything, and prints nothing of a run that it
# ends, so this one ends before.
minutes=${DATAPIPE_TEST_MINUTES:-55}

# Prints the output of the tests without the pipeline, and what they add until they have ended.
follow() {
  tail --lines=+1 --follow --pid="$others" "$output" &
  followed=true
}

# shellcheck disable=SC2329  # a trap calls it
# Where this script is interrupted, both runs print what has failed so far.
end() {
  trap - EXIT HUP INT TERM
  [ ${#running[@]} -eq 0 ] || kill -INT "${running[@]}" 2>/dev/null || true
  "$followed" || follow
  wait
  rm -f "$output"
}

deploy
output=$(mktemp)
followed=false
# --default-signal: a program that a script starts in the background would ignore the signal.
timeout --signal=INT --kill-after=60 "${minutes}m" env --default-signal=INT nice -n 10 \
  pytest -m "not pipeline" --numprocesses=auto --dist=loadfile --durations=40 >"$output" 2>&1 &
others=$!
env --default-signal=INT pytest -m pipeline --durations=40 &
pipeline=$!
running=("$others" "$pipeline")
trap end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

failed=0
wait "$pipeline" || failed=$?
running=("$others")
echo "The tests of the pipeline have ended. What the others print, until they have ended, too:"
follow
ended=0
wait "$others" || ended=$?
running=()
[ "$ended" -eq 0 ] || failed=$ended
[ "$ended" -ne 124 ] || echo "The tests without the pipeline were ended after $minutes minutes." >&2
exit "$failed"
