#!/bin/sh
# Creates PostgreSQL's data directory on an empty volume, and leaves an existing one as it is.
#
#   POSTGRES_BIN             folder of initdb
#   PGDATA                   the data directory
#   SUPERUSER_PASSWORD_FILE  file with the superuser's password
set -eu

if [ -s "$PGDATA/PG_VERSION" ]; then
    echo "found a data directory of PostgreSQL $(cat "$PGDATA/PG_VERSION") in $PGDATA"
    exit 0
fi

# Created under another name and then renamed: if the script is killed, no directory looks complete.
unfinished="$PGDATA.unfinished"
rm -rf "$unfinished"
"$POSTGRES_BIN/initdb" --pgdata="$unfinished" --username=postgres --pwfile="$SUPERUSER_PASSWORD_FILE" \
    --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 \
    --data-checksums --no-instructions
mv "$unfinished" "$PGDATA"
echo "created a data directory in $PGDATA"
