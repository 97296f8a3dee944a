#!/bin/sh
# Downloads connector plugins and checks them before anything is unpacked.
#
# Arguments: folder, address and SHA-256 of each archive in turn; an empty SHA-256 checks nothing.
# PLUGIN_DIR       where each plugin gets its folder
# DEBEZIUM_FOLDER  Debezium's below it
# DEBEZIUM_JARS    our own jars that Debezium loads, separated by spaces
set -eu

archive=${TMPDIR:-/tmp}/plugin.zip

while [ $# -gt 0 ]; do
    folder=$1 url=$2 expected=$3
    shift 3

    curl --fail --silent --show-error --location --retry 5 --retry-connrefused \
        --proto '=https' --output "$archive" "$url"
    actual=$(sha256sum "$archive" | cut -d ' ' -f 1)
    if [ -z "$expected" ]; then
        echo "$folder: not pinned, SHA-256 is $actual"
    elif [ "$actual" != "$expected" ]; then
        echo "$folder: $url has SHA-256 $actual, but $expected is expected; not installed" >&2
        exit 1
    fi

    mkdir -p "$PLUGIN_DIR/$folder"
    unzip -q -o "$archive" -d "$PLUGIN_DIR/$folder"
    rm "$archive"
    echo "$folder: installed"
done

for jar in ${DEBEZIUM_JARS:-}; do
    cp "$jar" "$PLUGIN_DIR/$DEBEZIUM_FOLDER/"
done
