#!/usr/bin/env python3
"""Mint GitHub tokens for one run: `fullsend run-token` under the name that runbooks know.

Works from a checkout without installing it, with only `pip install requests 'PyJWT[crypto]'`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

try:
    from fullsend.run_token.command_line import FAILED, run
except ModuleNotFoundError as missing:
    sys.exit(
        f"error: the Python package {missing.name} is not installed.\nFix: pip install requests 'PyJWT[crypto]'"
    )


def main() -> int:
    """Run the tool; a failed write to standard output is one sentence."""
    try:
        return run(sys.argv[1:], Path(__file__).name)
    except OSError as error:
        sys.stderr.write(f"error: standard output cannot be written: {error.strerror or error}.\n")
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
