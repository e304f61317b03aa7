"""Read the token to revoke from a file or a variable, never from an argument.

The check for a GitHub token is lenient about length and alphabet, which GitHub may change. It is strict about the
prefix: another secret must not be sent to GitHub by mistake, where it would get the same 401 as a revoked token.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING

from fullsend.failure import BadInput
from fullsend.input_file import read_input_file
from fullsend.net.answer import is_token

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE = 1024 * 1024
# ghs_ for installations, gh?_ and github_… for others, v1. of an old GitHub Enterprise Server.
_GITHUBS = re.compile(r"gh[a-z]_|github_|v1\.")


def token_of_file(path: Path, remedy: str) -> str:
    """Return the token in a file in any of the forms of `--format`; - is stdin. Raises `BadInput`."""
    try:
        text = sys.stdin.read(MAX_FILE) if str(path) == "-" else read_input_file(path, MAX_FILE).decode()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.", remedy) from error
    except ValueError as error:
        raise BadInput(f"{path} is not text.", remedy) from error
    return _checked(_in(text.strip()), "stdin" if str(path) == "-" else str(path), remedy)


def token_of_variable(name: str, remedy: str) -> str:
    """Return the token in a variable. Raises `BadInput`."""
    return _checked(os.environ.get(name, "").strip(), f"the variable {name}", remedy)


def _checked(token: str, source: str, remedy: str) -> str:
    if not token:
        raise BadInput(f"No token was found in {source}.", remedy)
    if not is_token(token):
        raise BadInput(f"The text in {source} is not a token: it has blanks or line breaks.", remedy)
    if not _GITHUBS.match(token):
        raise BadInput(
            f"The text in {source} is not a GitHub token: installation tokens begin with ghs_. Nothing was sent.",
            remedy,
        )
    return token


def _in(text: str) -> str:
    """Find the token in text of any `--format`."""
    if text.startswith("{"):
        try:
            return str(json.loads(text).get("token", ""))
        except (ValueError, RecursionError):
            return ""
    name, equals, value = text.partition("=")
    return value if equals and name.isidentifier() else text
