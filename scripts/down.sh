#!/usr/bin/env bash
# Removes the stack. The sandbox goes as a whole, from any state; other stacks by pulumi destroy.
. "$(dirname "$0")/environment.sh"

# Their servers would keep all WAL for the slots of a stack that is gone.
if grep -q '^ *datapipe:sources:' "Pulumi.$STACK.yaml"; then
  bin/datapipe --stack "$STACK" source release ${SLOTS:+--slots "$SLOTS"}
fi

rm -rf "${XDG_CACHE_HOME:-$HOME/.cache}/datapipe-clients/$STACK" # written by make env
if [ "$STACK" = sandbox ]; then
  exec bash tools/bootstrap.sh sandbox down
fi
use_stack
pulumi destroy --yes --stack "$STACK"
if [ "$STACK" = dev ]; then
  kind delete cluster --name datapipe
fi
