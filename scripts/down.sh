#!/usr/bin/env bash
# Removes the stack. The sandbox goes as a whole, from any state; other stacks by pulumi destroy.
. "$(dirname "$0")/environment.sh"

if [ "$STACK" = sandbox ]; then
  exec bash sandbox/bootstrap.sh down
fi
use_stack
pulumi destroy --yes --stack "$STACK"
if [ "$STACK" = dev ]; then
  kind delete cluster --name datapipe
fi
