#!/bin/sh
# Build the standalone mint's image with the engine that works here: docker, podman, or buildah without a daemon.
# usage: image.sh NAME    BASE names another base image with Python, for machines that cannot reach a registry.
set -eu
name=$1
set -- --file deploy/Dockerfile --tag "$name"
[ -z "${BASE:-}" ] || set -- "$@" --build-arg "BASE=$BASE"
if docker info >/dev/null 2>&1; then
  exec docker build "$@" .
elif podman info >/dev/null 2>&1; then
  exec podman build "$@" .
elif command -v buildah >/dev/null; then
  exec buildah build --isolation chroot --format docker --ignorefile deploy/Dockerfile.dockerignore "$@" .
fi
echo "No container engine works here. Fix: install docker, podman or buildah" >&2
exit 1
