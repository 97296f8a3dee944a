#!/usr/bin/env bash
# Compiles every requirements.in into the lock beside it.
. "$(dirname "$0")/environment.sh"

use_tools
use_uv
for folder in . sandbox policies/checkov; do
  (cd "$folder" && uv pip compile --quiet --generate-hashes --allow-unsafe --no-header \
    --python-version 3.11 requirements.in --output-file requirements.txt)
done
