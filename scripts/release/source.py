"""Write the upload of a mint as a file of the release: the bytes that `fullsend mint deploy` uploads."""

from __future__ import annotations

import sys
from pathlib import Path

from fullsend.operate.model.provenance import source_name
from fullsend.operate.plan.bundle import build


def main() -> int:
    """Write the file, and print its SHA-256 and name as `sha256sum` does."""
    if len(sys.argv) != 3:  # noqa: PLR2004 - the program's name, the source and the folder
        sys.stderr.write("usage: source.py SOURCE FOLDER\n")
        return 2
    bundle = build(Path(sys.argv[1]))
    name = source_name(bundle.version)
    (Path(sys.argv[2]) / name).write_bytes(bundle.data)
    sys.stdout.write(f"{bundle.sha256}  {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
