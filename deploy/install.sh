#!/usr/bin/env bash
# Sets the shop up on a clean Debian 12, or brings one to the release that this file belongs to. As root:
#   deploy/install.sh shop.example
# Run again it is an upgrade: settings, secrets, certificate and data stay; the old release serves until the new one stands.
set -euo pipefail
umask 022
host=${1:?usage: deploy/install.sh NAME-OF-THE-HOST}
source_folder=$(cd "$(dirname "$0")/.." && pwd)
home=/opt/cinemutins etc=/etc/cinemutins state=/var/lib/cinemutins films=/srv/cinemutins
release=$home/releases/$(date +%Y%m%d-%H%M%S)
releases_kept=3

main() {
  step "packages" packages
  step "users and folders" users_and_folders
  step "settings and secrets" settings
  grep -q '^[^#]*…' "$etc/shop.env" && { echo "Fill in the first part of $etc/shop.env, then run this again."; exit 3; }
  step "this release: $release" new_release
  step "database: roles and tables" database
  step "nginx" web_server
  "$release/.venv/bin/python" -m gunicorn --version >"$home/served-by.new"
  ln -sfn "$release" "$home/current.new" && mv -T "$home/current.new" "$home/current"
  step "services" services
  old_releases
  echo "Done. $home/current/deploy/check.sh says whether all is well."
}

step() {
  echo "  … $1"
  "$2"
}

packages() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends ca-certificates curl make nginx openssl postgresql postgresql-client \
    python3 python3-venv redis-server >/dev/null 2>&1
}

users_and_folders() {
  local user
  for user in cinemutins cinemutins-owner; do  # the shop; the owner of its tables, who only migrates
    id "$user" >/dev/null 2>&1 || adduser --system --group --quiet --no-create-home --home "$state" "$user"
  done
  adduser --quiet cinemutins-owner cinemutins
  install -d -o root -g cinemutins -m 0750 "$etc"
  install -d -o cinemutins -g cinemutins -m 0770 "$state"
  install -d -o root -g root -m 0755 "$home/releases" "$films"
  install -d -o cinemutins -g www-data -m 2750 "$films/media"  # nginx reads films
  install -d -o cinemutins -g cinemutins -m 0700 "$films/backups"
}

new_release() {
  install -d -m 0755 "$release"
  tar -C "$source_folder" --exclude=./.git --exclude=./.venv --exclude=./instance --exclude=./tests --exclude=__pycache__ \
    --exclude='./.*_cache' -cf - . | tar -C "$release" --no-same-owner -xf -
  make --silent -C "$release" .venv/.ok store/translations/fr/LC_MESSAGES/messages.mo
  "$release/.venv/bin/python" -m compileall -q "$release/store" "$release/config.py" "$release/wsgi.py"
}

settings() {
  if [ ! -e "$etc/shop.env" ]; then
    (umask 077; written_settings >"$etc/shop.env")
    chown root:cinemutins "$etc/shop.env" && chmod 0640 "$etc/shop.env"
  fi
  if [ ! -e "$etc/owner.env" ]; then
    (umask 077; echo 'MIGRATION_DATABASE_URL="postgresql://cinemutins-owner@/cinemutins?host=/var/run/postgresql"' >"$etc/owner.env")
  fi
  install -m 0755 "$source_folder/deploy/cinemutins" /usr/local/bin/cinemutins
}

written_settings() {
  local name text
  text=$(sed "s#https://shop.example#https://$host#; s#@shop.example#@$host#" "$source_folder/deploy/shop.env.example")
  for name in SECRET_KEY CODE_KEY MEDIA_TOKEN_KEY METRICS_TOKEN; do
    text=${text//@$name@/$(openssl rand -hex 32)}
  done
  printf '%s\n' "$text"
}

database() {
  local role
  has_systemd || pg_ctlcluster "$(pg_lsclusters -h | awk '{print $1; exit}')" main start || true
  for role in cinemutins cinemutins-owner; do
    [ "$(ask "SELECT count(*) FROM pg_roles WHERE rolname = '$role'")" = 1 ] || ask "CREATE ROLE \"$role\" LOGIN"
  done
  if [ "$(ask "SELECT count(*) FROM pg_database WHERE datname = 'cinemutins'")" = 0 ]; then
    ask "CREATE DATABASE cinemutins OWNER \"cinemutins-owner\" ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0"
    ask "REVOKE ALL ON DATABASE cinemutins FROM PUBLIC"
    ask "GRANT CONNECT ON DATABASE cinemutins TO cinemutins"
  fi
  "$release/deploy/cinemutins" --migrate  # beside the old release, which goes on serving
}

ask() {
  runuser -u postgres -- psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$1" postgres
}

web_server() {
  local folder=/etc/nginx/cinemutins
  install -d -m 0755 "$folder"
  sed "s/shop\.example/$host/g" "$release/deploy/nginx/shop.conf" >/etc/nginx/conf.d/cinemutins.conf
  install -m 0644 "$release"/deploy/nginx/{media.conf,film-headers.conf,away.html} "$folder/"
  [ -e "$folder/films.conf" ] || install -m 0644 "$release/deploy/nginx/films-in-folder.conf" "$folder/films.conf"
  (umask 077; CINEMUTINS_RELEASE=$release "$release/deploy/cinemutins" edge keys >"$folder/media-keys")
  if [ ! -e "$folder/certificate.pem" ]; then
    echo "    a certificate of its own, for 30 days: put yours in $folder/certificate.pem and key.pem"
    (umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$host" \
      -addext "subjectAltName=DNS:$host" -keyout "$folder/key.pem" -out "$folder/certificate.pem" 2>/dev/null)
  fi
  nginx -t -q
}

services() {
  local former
  former=$(web_is)
  install -m 0644 "$release"/deploy/systemd/* /etc/systemd/system/
  mv "$home/served-by.new" "$home/served-by"
  if ! has_systemd; then
    echo "    systemd does not run here: the units are in place and were not started"
    return
  fi
  systemctl daemon-reload
  systemctl enable --quiet --now postgresql redis-server nginx cinemutins-web.socket
  systemctl enable --quiet cinemutins-web cinemutins-worker
  systemctl enable --quiet --now cinemutins-{reconcile,closing,backup}.timer
  if [ "$former" = "$(web_is)" ] && systemctl is-active --quiet cinemutins-web; then
    systemctl reload cinemutins-web  # new processes beside the old ones, which end once they have answered
  else
    systemctl restart cinemutins-web  # requests wait in the socket meanwhile
  fi
  systemctl restart cinemutins-worker
  systemctl reload nginx
}

# What only a restart changes: the unit, and gunicorn itself.
web_is() {
  cat /etc/systemd/system/cinemutins-web.service "$home/served-by" 2>/dev/null | sha256sum
}

old_releases() {
  find "$home/releases" -mindepth 1 -maxdepth 1 -type d | sort | head -n "-$releases_kept" | xargs --no-run-if-empty rm -rf
}

has_systemd() {
  [ -d /run/systemd/system ]
}

main
