"""Write deploy/completion/, the completion scripts of the shells; with --check, tell whether they are up to date.

The scripts contain no commands or options: they ask the installed `fullsend`. So they change only with click.
"""

from __future__ import annotations

import sys
from pathlib import Path

from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from fullsend.cli.root import cli

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "completion"
SHELLS: dict[str, type[ShellComplete]] = {
    "bash/fullsend": BashComplete,
    "zsh/_fullsend": ZshComplete,
    "fish/fullsend.fish": FishComplete,
}


def scripts() -> dict[str, str]:
    """Return each script by its path in the folder."""
    # Not BashComplete.source: that one also runs bash, to warn of an old one.
    made = {
        name: ShellComplete.source(shell(cli, {}, "fullsend", "_FULLSEND_COMPLETE"))
        for name, shell in SHELLS.items()
    }
    return {name: text.strip() + "\n" for name, text in made.items()}


def main() -> None:
    """Write the scripts, or end with the name of one that is out of date."""
    for name, text in scripts().items():
        path = FOLDER / name
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"deploy/completion/{name} is out of date. Fix: make docs")


if __name__ == "__main__":
    main()
