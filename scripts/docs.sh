#!/usr/bin/env bash
# Builds the docs site in site/ after updating the generated parts of the documents. With --check
# nothing is changed: it fails if a generated part is out of date or a link or an anchor leads nowhere.
. "$(dirname "$0")/environment.sh"

use_tools
if [ "${1:-}" = --check ]; then
  generate=(--check --diff) site=$(mktemp -d)
  trap 'rm -rf "$site"' EXIT
else
  generate=(-r) site=site
fi
git ls-files -z '*.md' | xargs -0 python -m cogapp "${generate[@]}" --verbosity=1 \
  --check-fail-msg="a generated part is out of date; run: make docs"
mkdocs build --strict --site-dir "$site"
