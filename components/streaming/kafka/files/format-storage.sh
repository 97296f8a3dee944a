#!/bin/sh
# Formats this broker's storage for the stack's Kafka cluster, once in the life of its volume.
#
# POD_NAME         kafka-0, kafka-1, … names the broker's own settings
# CLUSTER_ID       the same for all brokers
# DATA_DIR         Kafka's log.dirs
# STORAGE_COMMAND  shell words that run Kafka's storage tool in this image
set -eu

config=${CONFIG_DIR:-/opt/datapipe/config}
settings=${TMPDIR:-/tmp}/server.properties

# meta.properties is the last file that formatting writes. Looking for it spares every later start
# the seconds of a JVM; --ignore-formatted would be as safe, but not as quick.
if [ -f "$DATA_DIR/meta.properties" ]; then
    echo "storage in $DATA_DIR is formatted already"
    exit 0
fi

cat "$config/server.properties" "$config/$POD_NAME.properties" >"$settings"
eval "exec $STORAGE_COMMAND format --ignore-formatted \
    --cluster-id \"\$CLUSTER_ID\" --config \"\$settings\""
