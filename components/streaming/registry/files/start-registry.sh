#!/bin/sh
# Starts Schema Registry with its settings, and the options of this JVM that are ours.
set -eu

config=${CONFIG_DIR:-/opt/datapipe/config}

# shellcheck source=/dev/null
. "$config/metrics-agent.sh"
export SCHEMA_REGISTRY_OPTS="${SCHEMA_REGISTRY_OPTS:-} $METRICS_OPTIONS"

# exec: the registry gets the pod's SIGTERM itself.
exec schema-registry-start "$config/schema-registry.properties"
