#!/bin/sh
# Starts the broker of this pod: what all brokers share, then what is its own.
#
# POD_NAME        kafka-0, kafka-1, … names the broker's own settings
# BROKER_COMMAND  shell words that start a broker in this image
set -eu

config=${CONFIG_DIR:-/opt/datapipe/config}
settings=${TMPDIR:-/tmp}/server.properties

# shellcheck source=/dev/null
. "$config/metrics-agent.sh"
export KAFKA_OPTS="${KAFKA_OPTS:-} $METRICS_OPTIONS"

cat "$config/server.properties" "$config/$POD_NAME.properties" >"$settings"
# exec: the broker gets the pod's SIGTERM itself, and hands its partitions over before it stops.
eval "exec $BROKER_COMMAND \"\$settings\""
