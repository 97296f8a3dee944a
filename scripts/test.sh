#!/usr/bin/env bash
# All tests. Those of the engine, the policies and the whole pipeline run on the sandbox, which is
# brought up first.
. "$(dirname "$0")/environment.sh"

STACK=sandbox
scripts/up.sh
use_stack
exec pytest "$@"
