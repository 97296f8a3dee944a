#!/usr/bin/env bash
# Compiles every requirements.in into the lock next to it.
. "$(dirname "$0")/environment.sh"

use_tools
use_uv
# In this order: each is compiled within the pins of those before it.
for lock in requirements sandbox/requirements requirements-dev policies/checkov/requirements; do
  (cd "$(dirname "$lock")" && uv pip compile --quiet --generate-hashes --allow-unsafe --no-header \
    --python-version 3.11 "${lock##*/}.in" --output-file "${lock##*/}.txt")
done
