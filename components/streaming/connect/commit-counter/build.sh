#!/usr/bin/env bash
# Compiles the reporter into commit-counter.jar: build.sh FOLDER-OF-JARS [TARGET.jar]
#
# The folder holds kafka-clients, iceberg-api and iceberg-core. The jar is committed, because a
# stack brings it to its workers in a ConfigMap and nobody who deploys one needs a JDK. A test
# compiles it again and compares.
set -euo pipefail

source=$(cd "$(dirname "$0")" && pwd)
jars=$1
target=${2:-$source/commit-counter.jar}
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT

# Iceberg 1.12 is compiled for Java 17 and so are its users; -proc:none keeps its annotations out.
javac --release 17 -proc:none -d "$classes" -cp "$jars/*" "$source"/src/datapipe/iceberg/*.java
jar --create --file "$target" --date 2026-01-01T00:00:00Z --no-manifest -C "$classes" .
