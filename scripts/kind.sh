# Sourced by up.sh: what the dev stack runs on, checked and prepared before it is deployed.
# shellcheck shell=bash

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

# Docker chooses the network of kind's nodes, and the network policies let in the stack's only.
set_node_network() {
  local given network
  network=$(docker network inspect kind --format '{{range .IPAM.Config}}{{println .Subnet}}{{end}}' |
    grep -m 1 -F .) || {
    echo "make: Docker has no network 'kind' with IPv4 addresses; set" \
      "datapipe:cluster.nodeNetwork in Pulumi.$STACK.yaml to the network of the nodes" >&2
    exit 1
  }
  given=$(pulumi config get --path datapipe:cluster.nodeNetwork --stack "$STACK" 2>/dev/null) ||
    given=172.18.0.0/16 # the program's default
  if ! contains "$given" "$network"; then
    echo "make: Docker gave kind the network $network, so datapipe:cluster.nodeNetwork in" \
      "Pulumi.$STACK.yaml changes from $given" >&2
    pulumi config set --path datapipe:cluster.nodeNetwork "$network" --stack "$STACK"
  fi
}

# Whether the first network contains the second.
contains() {
  python -c 'import sys
from ipaddress import ip_network
outer, inner = map(ip_network, sys.argv[1:])
sys.exit(not inner.subnet_of(outer))' "$@"
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
