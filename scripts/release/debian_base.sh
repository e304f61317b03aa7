#!/bin/sh
# Make a base image with Debian's Python, for machines that reach a Debian mirror but no container registry.
# usage: debian_base.sh NAME    needs mmdebstrap and buildah; afterwards: BASE=NAME make image
set -eu
name=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  bookworm "$folder/base.tar"
container=$(buildah from scratch)
buildah add --quiet "$container" "$folder/base.tar" / >/dev/null
# A proxy's certificate, if the machine trusts one.
buildah copy --quiet "$container" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt >/dev/null
buildah config --env PIP_CERT=/etc/ssl/certs/ca-certificates.crt "$container"
buildah commit --quiet --rm "$container" "$name" >/dev/null
