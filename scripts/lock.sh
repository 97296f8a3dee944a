#!/usr/bin/env bash
# Compiles requirements.in and sandbox/requirements.in into their locks.
. "$(dirname "$0")/environment.sh"

use_tools
for folder in . sandbox; do
  (cd "$folder" && uv pip compile --quiet --generate-hashes --no-header --python-version 3.11 \
    requirements.in --output-file requirements.txt)
done
