#!/usr/bin/env bash
# Compiles one of our plugins of the worker: build.sh MODULE FOLDER-OF-JARS [TARGET.jar]
#
# MODULE is a folder next to this script; FOLDER-OF-JARS holds what it is compiled against (the
# artifacts are listed in tests/kafka_connect/test_jars.py). The jars are committed, because a stack brings
# them to its workers in a ConfigMap and nobody who deploys one needs a JDK. A test compiles each
# again and compares.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source=$here/$1/src
jars=$2
target=${3:-$here/$1.jar}
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT

# 11 is the oldest Java that a Connect image of components/images.py runs; Iceberg's users need 17.
release=11
[ "$1" != commit-counter ] || release=17

# -proc:none: annotations of the dependencies are not processed.
find "$source" -name '*.java' -print0 |
    xargs -0 javac --release "$release" -proc:none -d "$classes" -cp "$jars/*"
[ ! -d "$source/META-INF" ] || cp -r "$source/META-INF" "$classes/"
jar --create --file "$target" --date 2026-01-01T00:00:00Z --no-manifest -C "$classes" .
