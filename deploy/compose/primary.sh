#!/bin/sh
# Creates the roles and the database, once, when the primary begins.
set -eu
psql --username=postgres --set=ON_ERROR_STOP=1 <<SQL
CREATE ROLE gatewayz_owner LOGIN PASSWORD '$OWNER_PASSWORD';
CREATE ROLE gatewayz LOGIN PASSWORD '$APPLICATION_PASSWORD';
CREATE ROLE replication LOGIN REPLICATION PASSWORD '$REPLICATION_PASSWORD';
CREATE DATABASE gatewayz OWNER gatewayz_owner;
SELECT pg_create_physical_replication_slot('replica');
SQL
echo 'host replication replication all scram-sha-256' >> "$PGDATA/pg_hba.conf"
