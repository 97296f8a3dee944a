#!/usr/bin/env bash
# Shows what was changed by hand since the last update and accepts it into the stack's state.
. "$(dirname "$0")/environment.sh"

use_stack
echo "make: the changes by hand shown below are accepted into the state of stack $STACK;" \
  "make drift shows them only, make up reverts them" >&2
exec pulumi refresh --yes --diff --stack "$STACK"
