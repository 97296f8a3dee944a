#!/usr/bin/env bash
# Compiles requirements.in and sandbox/requirements.in into their locks.
. "$(dirname "$0")/environment.sh"

use_tools
# The sandbox's bootstrap keeps uv in the cache; its own lock says which version.
PATH=$(dirname "$(find "${DATAPIPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/datapipe}"/uv-*/bin -name uv | head -n 1)"):$PATH
for folder in . sandbox; do
  (cd "$folder" && uv pip compile --quiet --generate-hashes --allow-unsafe --no-header \
    --python-version 3.11 requirements.in --output-file requirements.txt)
done
