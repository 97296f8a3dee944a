#!/bin/sh
# Starts the Connect worker of this pod.
#
# WORKER_COMMAND  shell words that start a worker in this image
set -eu

set -- "${CONFIG_DIR:-/etc/kafka-connect}/connect-distributed.properties"

# exec: the worker gets the pod's SIGTERM itself, stops its tasks and leaves the group.
eval "exec $WORKER_COMMAND \"\$@\""
