#!/bin/sh
# Makes every password of the composition, once, at random, and gives each to those alone who need it.
# A volume per reader under /secrets; a service reads its database URL, the database reads all passwords.
# Run again it leaves what is there alone: the database knows only the passwords of its first start.
set -eu
umask 077

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

keep() {                            # keep UID FILE: standard input becomes FILE, readable by that user only
  cat >"$2.new"
  chown "$1" "$2.new"
  mv "$2.new" "$2"
}

chmod 755 /secrets/*
[ -e /secrets/postgres/superuser ] || random | keep 999 /secrets/postgres/superuser
for service in roadmap launch notify; do
  password=/secrets/postgres/$service url=/secrets/$service/database-url
  if [ ! -e "$password" ] || [ ! -e "$url" ]; then
    made=$(random)
    printf '%s' "$made" | keep 999 "$password"
    printf 'postgresql://%s:%s@postgres:5432/%s' "$service" "$made" "$service" | keep 10001 "$url"
  fi
done
echo "secrets are in place"
