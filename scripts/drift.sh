#!/usr/bin/env bash
# Fails if the stack is not what its state and this checkout say: changed by hand, or not deployed.
# Nothing is changed, the state neither.
. "$(dirname "$0")/environment.sh"

use_stack
exec pulumi preview --refresh --diff --expect-no-changes --stack "$STACK" "${policies[@]}"
