#!/usr/bin/env bash
# Compiles the extension into restart-failed.jar: build.sh FOLDER-OF-KAFKA-JARS [TARGET.jar]
#
# The jar is committed for the same reason as the transform's (../transforms/build.sh).
set -euo pipefail

source=$(cd "$(dirname "$0")" && pwd)
kafka_jars=$1
target=${2:-$source/restart-failed.jar}
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT

javac --release 11 -d "$classes" -cp "$kafka_jars/*" "$source"/src/datapipe/connect/*.java
cp -r "$source/src/META-INF" "$classes/"
jar --create --file "$target" --date 2026-01-01T00:00:00Z --no-manifest -C "$classes" .
