#!/bin/sh
# Copies the primary, once, and follows it from then on.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    mkdir -p -m 700 "$PGDATA"
    pg_basebackup --pgdata="$PGDATA" --write-recovery-conf --slot=replica --checkpoint=fast \
        --dbname="host=primary user=replication password=$REPLICATION_PASSWORD"
fi
exec postgres -c hot_standby_feedback=on
