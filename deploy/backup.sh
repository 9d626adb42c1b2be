#!/usr/bin/env bash
# A night's backup in the folder FOLDER: the file carries its day's name, films are kept once, files of 14 days stay.
set -euo pipefail
folder=$1
keep_days=${KEEP_DAYS:-14}
cd "$(dirname "$0")/.."
.venv/bin/flask --app wsgi backup "$folder/$(date +%F).backup" --films "$folder/films" --replace
find "$folder" -maxdepth 1 -name '*.backup' -mtime "+$keep_days" -delete
