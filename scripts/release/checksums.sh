#!/bin/sh
# Write SHA256SUMS beside the files of a release, and refuse to without one of the files that a release has.
# usage: checksums.sh FOLDER
set -eu
cd "$1"
rm -f SHA256SUMS
for kind in fullsend_mint-*.whl fullsend_mint_sandbox-*.whl fullsend-mint-*-source.zip fullsend-mint-*-image.tar.gz \
  sbom.cdx.json sbom-image.cdx.json requirements.txt; do
  [ -s "$kind" ] || { echo "$1 has no $kind. Fix: build it before the checksums" >&2; exit 1; }
done
sha256sum -- * >SHA256SUMS
