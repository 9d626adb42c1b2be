#!/usr/bin/env bash
# Looks at a shop that install.sh set up, a line for each thing; exit 1 if one of them is not as it should be. As root.
set -uo pipefail
etc=/etc/cinemutins
failed=0
. "$etc/shop.env"
host=${SHOP_URL#https://}

main() {
  see "settings are filled in" filled_in
  see "secrets are the shop's alone" secrets_are_secret
  see "the shop's role owns no table and cannot change the books" role_is_small
  see "nginx's files are right" nginx -t -q
  see "the certificate lasts for a week more" openssl x509 -checkend 604800 -noout -in /etc/nginx/cinemutins/certificate.pem
  see "units are right" units_are_right
  see "services run" services_run
  see "the shop is well (https://$host/sante)" shop_is_well
  see "metrics are for those who have the token" metrics_are_guarded
  see "the books are right" cinemutins ledger check
  see "a backup is younger than two days" backup_is_young
  see "a tenth of the disks is free" disks_are_free
  exit "$failed"
}

see() {
  local about=$1 said
  shift
  if said=$("$@" 2>&1); then
    echo "ok      $about"
  else
    failed=1
    echo "NOT OK  $about${said:+: $(tail -n 1 <<<"$said")}"
  fi
}

filled_in() { ! grep '^[^#]*…' "$etc/shop.env"; }

secrets_are_secret() {
  [ "$(stat -c '%a %U %G' "$etc/shop.env")" = "640 root cinemutins" ] &&
    [ "$(stat -c '%a %U' "$etc/owner.env")" = "600 root" ] &&
    [ "$(stat -c '%a %U' /etc/nginx/cinemutins/media-keys)" = "600 root" ] &&
    [ "$(stat -c '%a %U' /etc/nginx/cinemutins/key.pem)" = "600 root" ]
}

role_is_small() {
  [ "$(ask "SELECT count(*) FROM pg_tables WHERE tableowner = 'cinemutins'")" = 0 ] &&
    [ "$(ask "SELECT has_table_privilege('cinemutins', 'journal', 'UPDATE, DELETE, TRUNCATE')")" = f ] &&
    [ "$(ask "SELECT has_table_privilege('cinemutins', 'journal', 'SELECT') AND has_table_privilege('cinemutins', 'journal', 'INSERT')")" = t ] &&
    [ "$(ask "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = 'cinemutins'")" = f ]
}

ask() {
  runuser -u postgres -- psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$1" cinemutins
}

units_are_right() {
  local said
  said=$(systemd-analyze verify /etc/systemd/system/cinemutins-* 2>&1) || { echo "$said"; return 1; }
  [ -z "$said" ] || { echo "$said"; return 1; }
}

services_run() {
  local unit
  [ -d /run/systemd/system ] || { echo "systemd does not run here"; return 1; }
  for unit in postgresql redis-server nginx cinemutins-web.socket cinemutins-web cinemutins-worker \
    cinemutins-{reconcile,closing,backup}.timer; do
    systemctl is-active --quiet "$unit" || { echo "$unit does not"; return 1; }
  done
  unit=$(systemctl list-units --failed --plain --no-legend 'cinemutins-*')
  [ -z "$unit" ] || { echo "$unit"; return 1; }
}

fetch() { curl --silent --show-error --insecure --max-time 10 --resolve "$host:443:127.0.0.1" "$@"; }

shop_is_well() {
  local said
  said=$(fetch "https://$host/sante") || { echo "$said"; return 1; }
  grep -q '"status":"up"' <<<"$said" || { echo "$said"; return 1; }
}

metrics_are_guarded() {
  [ "$(fetch --output /dev/null --write-out '%{http_code}' "https://$host/metrics")" = 404 ] &&
    fetch --header "Authorization: Bearer $METRICS_TOKEN" "https://$host/metrics" | grep -q '^shop_database_up 1'
}

backup_is_young() { find /srv/cinemutins/backups -maxdepth 1 -name '*.backup' -mtime -2 | grep -q . || { echo "there is none"; return 1; }; }

disks_are_free() { ! df --output=pcent,target /var/lib/postgresql /var/lib/cinemutins /srv/cinemutins | awk 'NR > 1 && $1 + 0 > 90' | grep .; }

main
