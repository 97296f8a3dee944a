#!/usr/bin/env bash
# Compiles the transforms into datapipe-transforms.jar: build.sh FOLDER-OF-KAFKA-JARS [TARGET.jar]
#
# The jar is committed, because a stack brings it to its workers in a ConfigMap and nobody who
# deploys one needs a JDK. A test compiles it again and compares.
set -euo pipefail

source=$(cd "$(dirname "$0")" && pwd)
kafka_jars=$1
target=${2:-$source/datapipe-transforms.jar}
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT

# Java 11 is the oldest that a Connect image of the table in components/images.py runs.
javac --release 11 -d "$classes" -cp "$kafka_jars/*" "$source"/src/datapipe/connect/*.java
cp -r "$source/src/META-INF" "$classes/"
jar --create --file "$target" --date 2026-01-01T00:00:00Z --no-manifest -C "$classes" .
