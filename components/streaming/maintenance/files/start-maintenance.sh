#!/bin/sh
# Runs the program that maintains the archive, with this pod's command for it: start-maintenance.sh maintain
#
# ICEBERG_PLUGIN          folder of Iceberg's sink, whose libraries the program uses
# MAINTENANCE_JAVA_OPTS   options of the JVM
set -eu

config=${CONFIG_DIR:-/opt/datapipe/config}

# exec: the program gets the pod's SIGTERM itself, and stops before its next step.
# shellcheck disable=SC2086  # options are words
exec java $MAINTENANCE_JAVA_OPTS -cp "$config/maintenance.jar:$ICEBERG_PLUGIN/*" \
    datapipe.maintenance.Main "$config/maintenance.properties" "$@"
