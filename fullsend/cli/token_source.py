"""Tokens that a user hands in to be revoked: in a file or a variable, never as an argument.

Decides what is taken for a token of GitHub. It is lenient about length and alphabet, which are GitHub's to change,
and strict about how one begins: whatever is sent to GitHub by mistake gets the same 401 as a token that is gone.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING

from fullsend.cli.output import CommandError
from fullsend.net.answer import is_token

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE = 1024 * 1024
# ghs_ for installations, gh?_ and github_… for others, v1. of an old GitHub Enterprise Server.
_GITHUBS = re.compile(r"gh[a-z]_|github_|v1\.")


def token_of_file(path: Path, remedy: str) -> str:
    """Return the token in a file, which may hold what any `--format` writes; - is stdin. Raises `CommandError`."""
    try:
        text = sys.stdin.read(MAX_FILE) if str(path) == "-" else path.read_text(encoding="utf-8")[:MAX_FILE]
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}.", remedy) from error
    except ValueError as error:
        raise CommandError(f"{path} is not text.", remedy) from error
    return _checked(_in(text.strip()), f"in {path}", remedy)


def token_of_variable(name: str, remedy: str) -> str:
    """Return the token in a variable. Raises `CommandError`."""
    return _checked(os.environ.get(name, "").strip(), f"in the variable {name}", remedy)


def _checked(token: str, where: str, remedy: str) -> str:
    if not token:
        raise CommandError(f"There is no token {where}.", remedy)
    if not is_token(token):
        raise CommandError(f"What is {where} is not a token: it has blanks or line breaks in it.", remedy)
    if not _GITHUBS.match(token):
        raise CommandError(
            f"What is {where} is not a token of GitHub: those of installations begin with ghs_. Nothing was sent.",
            remedy,
        )
    return token


def _in(text: str) -> str:
    """Find the token in what any `--format` writes."""
    if text.startswith("{"):
        try:
            return str(json.loads(text).get("token", ""))
        except (ValueError, RecursionError):
            return ""
    name, equals, value = text.partition("=")
    return value if equals and name.isidentifier() else text
