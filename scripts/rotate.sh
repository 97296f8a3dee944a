#!/usr/bin/env bash
# Replaces every password and access key: raises security.credentialsVersion in the stack's file and
# deploys it. New ones are made first, old ones revoked last, so it can be interrupted: `make up`
# finishes it, and the old number in the stack's file takes it back.
. "$(dirname "$0")/environment.sh"

use_stack
select_stack
key=datapipe:security.credentialsVersion
# No stack file contains the first version.
version=$(pulumi config get --path "$key" --stack "$STACK" 2>/dev/null || echo 1)
pulumi config set --path "$key" "$((version + 1))" --stack "$STACK"
exec scripts/up.sh
