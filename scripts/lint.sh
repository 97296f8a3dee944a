#!/usr/bin/env bash
# Format, lint, prose, imports, types, shell scripts and workflows; the same in CI.
. "$(dirname "$0")/environment.sh"

use_tools
# A merge that was committed with its marks; outside Python nothing else finds them.
if git grep --line-number --extended-regexp '^(<{7}|>{7}) '; then exit 1; fi
ruff format --check .
ruff check .
python -m tools.prose
lint-imports --no-cache
mypy components policies archive_views kafka_connect provider_plugins tools images sandbox clients command_line verification workload polling demo erasure bench chaos sample_databases review documentation tests
git ls-files -z '*.sh' .ci/run bin/datapipe | xargs -0 shellcheck --external-sources --source-path=SCRIPTDIR
python -m tools linters
actionlint
scripts/docs.sh --check
zizmor --offline --quiet --no-progress .github
