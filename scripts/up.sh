#!/usr/bin/env bash
# Prepares what the stack runs on and deploys it. It can be interrupted and run again.
. "$(dirname "$0")/environment.sh"
. scripts/kind.sh

# The images come after the node, because its containerd is what they are imported into.
prepare_sandbox() {
  bash tools/bootstrap.sh sandbox up
  use_stack
  python -m images load
}

# What a killed update had begun is in the cluster, but not in the state: read it back first.
settle_killed_update() {
  if pulumi stack export --stack "$STACK" | grep -q '"pending_operations"'; then
    echo "make: an earlier update was killed; reading back what it had done" >&2
    pulumi refresh --yes --skip-preview --clear-pending-creates --stack "$STACK"
  fi
}

case $STACK in
  sandbox) prepare_sandbox ;;
  dev) prepare_dev ;;
esac

use_stack
select_stack
if [ "$STACK" = dev ]; then
  require_aws
  set_node_network
fi
settle_killed_update
report_waiting_pods
exec pulumi up --yes --stack "$STACK" "${policies[@]}"
