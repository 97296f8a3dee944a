#!/usr/bin/env bash
# Runs a command in the stack's environment: scripts/run.sh python -m demo
. "$(dirname "$0")/environment.sh"

use_stack
exec "$@"
