#!/usr/bin/env bash
# Runs a program of the locked environment: scripts/tool.sh ruff check .
. "$(dirname "$0")/environment.sh"

use_tools
exec "$@"
