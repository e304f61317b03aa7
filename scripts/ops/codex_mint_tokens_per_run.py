#!/usr/bin/env python3
"""Mint GitHub tokens for one run: `fullsend run-token` under the name that runbooks know.

Works from a checkout without installing it; needs `pip install click PyJWT[crypto] requests`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

try:
    from fullsend.cli.run_token_commands import run_token
except ModuleNotFoundError as missing:
    sys.exit(
        f"error: the Python package {missing.name} is not installed: pip install click 'PyJWT[crypto]' requests"
    )

if __name__ == "__main__":
    run_token(prog_name=Path(__file__).name)
