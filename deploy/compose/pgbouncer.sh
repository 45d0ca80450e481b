#!/bin/sh
# Runs PgBouncer with the settings of deploy/pgbouncer.ini, except for where it and PostgreSQL are.
set -eu
echo "\"gatewayz\" \"$APPLICATION_PASSWORD\"" > /tmp/userlist.txt
sed -e 's/host=127.0.0.1/host=primary/' -e 's/^listen_addr = .*/listen_addr = */' \
    -e 's|^auth_file = .*|auth_file = /tmp/userlist.txt|' /etc/pgbouncer/gatewayz.ini > /tmp/pgbouncer.ini
exec pgbouncer /tmp/pgbouncer.ini
