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
  aws sts get-caller-identity >/dev/null || {
    echo "make: no working AWS credentials; run 'aws configure' or set AWS_PROFILE" >&2
    exit 1
  }
  if ! kind get clusters 2>/dev/null | grep -qx datapipe; then
    kind create cluster --config kind/cluster.yaml
  fi
}

case $STACK in
  sandbox) bash sandbox/bootstrap.sh up ;;
  dev) prepare_dev ;;
esac

use_stack
select_stack
exec pulumi up --yes --stack "$STACK" "${policies[@]}"
