"""The entry point of the `fullsend` command.

With only the mint installed, click is missing. The user then gets one sentence instead of a traceback. `root.py`
lists the commands.
"""

from __future__ import annotations

import sys

from fullsend.console import error_text


def main() -> None:
    """Run the command line; the console script's entry point."""
    try:
        from fullsend.cli.root import cli  # noqa: PLC0415 - the package stays importable without click
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] in {"fullsend", "mintcore"}:
            raise
        message = f"the fullsend command needs the Python package {missing.name}, which is not installed."
        sys.exit(error_text(message, "pip install 'fullsend-mint[cli]'"))
    cli(prog_name="fullsend")
