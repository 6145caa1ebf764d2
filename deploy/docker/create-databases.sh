#!/bin/bash
# First start of the database: one role and one database per service; no role may enter another's database.
set -eu
for service in roadmap launch notify; do
  psql -v ON_ERROR_STOP=1 --no-psqlrc -U "$POSTGRES_USER" -d postgres \
    -v service="$service" -v password="$(cat "/secrets/$service")" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
SQL
done
