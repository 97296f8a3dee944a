#!/usr/bin/env bash
# Prints the exports of the stack's environment: eval "$(make env)"
. "$(dirname "$0")/environment.sh"

if [ "$STACK" = sandbox ]; then
  bash tools/bootstrap.sh sandbox env
else
  bash tools/bootstrap.sh --runtime tools env
fi
use_stack
if pulumi stack output --stack "$STACK" >/dev/null 2>&1; then
  python -m clients.env --stack "$STACK"
fi
