#!/usr/bin/env bash
# Format, lint, types and shell scripts; the same in CI.
. "$(dirname "$0")/environment.sh"

use_tools
ruff format --check .
ruff check .
mypy components policies sandbox clients demo bench
git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck --external-sources --source-path=SCRIPTDIR
