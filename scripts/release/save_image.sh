#!/bin/sh
# Write an image that image.sh built as an archive for `docker load`, with the engine that has it.
# usage: save_image.sh NAME FILE.tar.gz
set -eu
name=$1
file=$2
plain=$(mktemp)
trap 'rm -f "$plain"' EXIT
if docker info >/dev/null 2>&1; then
  docker save --output "$plain" "$name"
elif podman info >/dev/null 2>&1; then
  podman save --quiet --output "$plain" "$name"
else
  rm -f "$plain"  # the archive must not exist
  buildah push --quiet "$name" "docker-archive:$plain:$name"
fi
gzip -n <"$plain" >"$file"
