#!/bin/sh
# Starts the Connect worker of this pod.
#
# WORKER_COMMAND  shell words that start a worker in this image
set -eu

config=${CONFIG_DIR:-/opt/datapipe/config}

# shellcheck source=/dev/null
. "$config/metrics-agent.sh"
export KAFKA_OPTS="${KAFKA_OPTS:-} $METRICS_OPTIONS"

set -- "$config/connect-distributed.properties"

# exec: the worker gets the pod's SIGTERM itself, stops its tasks and leaves the group.
eval "exec $WORKER_COMMAND \"\$@\""
