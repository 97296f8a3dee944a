#!/usr/bin/env bash
# Shows what an update would change, with the policies; nothing is created.
. "$(dirname "$0")/environment.sh"

use_stack
select_stack
exec pulumi preview --diff --stack "$STACK" "${policies[@]}"
