#!/bin/sh
# Formats this broker's storage for the stack's Kafka cluster, once in the life of its volume, and refuses
# a quorum with other voters than the storage has.
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
    # Kafka would start: brokers with a new list of voters could then elect a controller without those
    # that have the newest metadata.
    state=$DATA_DIR/__cluster_metadata-0/quorum-state
    if [ -f "$state" ]; then
        recorded=$(grep -o '"voterId":[0-9]*' "$state" | sed 's/.*://' | sort | paste -s -d ' ' -)
        wanted=$(sed -n 's/^controller\.quorum\.voters=//p' "$config/server.properties" |
            tr ',' '\n' | sed 's/@.*//' | sort | paste -s -d ' ' -)
        if [ -n "$recorded" ] && [ "$recorded" != "$wanted" ]; then
            echo "the controllers of this cluster are the nodes $recorded and can't become $wanted;" \
                "set datapipe:kafka.brokers to what it was" >&2
            exit 1
        fi
    fi
    echo "storage in $DATA_DIR is formatted already"
    exit 0
fi

cat "$config/server.properties" "$config/$POD_NAME.properties" >"$settings"
eval "exec $STORAGE_COMMAND format --ignore-formatted \
    --cluster-id \"\$CLUSTER_ID\" --config \"\$settings\""
