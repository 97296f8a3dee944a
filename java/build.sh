#!/usr/bin/env bash
# Compiles one of the plugins for Kafka Connect's workers: build.sh MODULE FOLDER-OF-JARS [TARGET.jar]
#
# MODULE is a folder next to this script. FOLDER-OF-JARS contains its dependencies, which
# tests/kafka_connect/test_jars.py lists. The jars are committed so that deploying a stack, which puts
# them into a ConfigMap, needs no JDK. A test compiles each jar again and compares.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source=$here/$1/src
jars=$2
target=${3:-$here/$1.jar}
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT

# 11 is the oldest Java of the Connect images in components/images.py; Iceberg needs 17.
release=11
case $1 in aging | commit-counter | column-kinds | maintenance) release=17 ;; esac

# -proc:none: do not run annotation processors of the dependencies.
find "$source" -name '*.java' -print0 |
    xargs -0 javac --release "$release" -proc:none -d "$classes" -cp "$jars/*"
[ ! -d "$source/META-INF" ] || cp -r "$source/META-INF" "$classes/"
jar --create --file "$target" --date 2026-01-01T00:00:00Z --no-manifest -C "$classes" .
