#!/usr/bin/env bash
# All tests; with arguments those of pytest's, such as tests/unit. Those of the engine, the policies
# and the whole pipeline run on the sandbox, which is brought up first.
. "$(dirname "$0")/environment.sh"

STACK=sandbox
scripts/up.sh
use_stack
[ $# -eq 0 ] || exec pytest "$@"

# The deployed pipeline is one, so what uses it runs alone; the rest has all cores, file by file.
on_the_pipeline=(tests/connectors_live tests/engine tests/e2e tests/chaos)
ignored=("${on_the_pipeline[@]/#/--ignore=}")
failed=0
pytest --numprocesses=auto --dist=loadfile "${ignored[@]}" || failed=$?
pytest "${on_the_pipeline[@]}" || failed=$?
exit "$failed"
