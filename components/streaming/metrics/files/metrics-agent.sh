#!/bin/sh
# Sourced by the start scripts: sets METRICS_OPTIONS, with which a JVM serves its metrics.
#
# METRICS_AGENT  path of the JMX exporter in this image; may be a pattern
# METRICS_RULES  which MBeans it shows, and under which names
# METRICS_PORT   where it listens; unset where the stack wants no metrics
METRICS_OPTIONS=
if [ -n "${METRICS_PORT:-}" ]; then
    for agent in $METRICS_AGENT; do
        if [ -f "$agent" ]; then
            METRICS_OPTIONS="-javaagent:$agent=$METRICS_PORT:$METRICS_RULES"
        fi
    done
    if [ -z "$METRICS_OPTIONS" ]; then
        echo "no metrics: this image has no $METRICS_AGENT" >&2
    fi
fi
