#!/usr/bin/env bash
# Prepares what the stack runs on and deploys it. It can be interrupted and run again.
. "$(dirname "$0")/environment.sh"

prepare_dev() {
  need docker "the dev stack runs in a kind cluster"
  docker info >/dev/null 2>&1 || {
    echo "make: the Docker engine does not answer; start it and try again" >&2
    exit 1
  }
  need kind "install it from the kind project's releases"
  need kubectl "the dev stack's cluster is reached with it"
  need aws "the dev stack's bucket is on AWS; install the AWS CLI"
  if ! kind get clusters 2>/dev/null | grep -qx datapipe; then
    kind create cluster --config kind/cluster.yaml
  fi
}

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

# Docker chooses the network of kind's nodes, and the network policies let in that one only.
set_node_network() {
  local given network
  network=$(docker network inspect kind --format '{{range .IPAM.Config}}{{println .Subnet}}{{end}}' |
    grep -m 1 -F .)
  given=$(pulumi config get --path datapipe:cluster.nodeNetwork --stack "$STACK" 2>/dev/null) ||
    given=172.18.0.0/16 # the program's default
  if [ "$network" != "$given" ]; then
    echo "make: Docker gave kind the network $network, so datapipe:cluster.nodeNetwork in" \
      "Pulumi.$STACK.yaml changes from $given" >&2
    pulumi config set --path datapipe:cluster.nodeNetwork "$network" --stack "$STACK"
  fi
}

# The AWS CLI says itself what is wrong: no credentials, expired ones, or no way to the endpoint.
require_aws() {
  local endpoint
  endpoint=$(pulumi config get --path datapipe:aws.endpoint --stack "$STACK" 2>/dev/null) || endpoint=
  aws sts get-caller-identity ${endpoint:+--endpoint-url "$endpoint"} >/dev/null || {
    echo "make: 'aws sts get-caller-identity' failed${endpoint:+ at aws.endpoint $endpoint}, as" \
      "the AWS CLI says above" >&2
    exit 1
  }
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
