"""Print errors and notes on stderr with the standard library only, as text that no runner obeys."""

from __future__ import annotations

import re
import sys

from mintcore.secret import redact

_COMMAND = re.compile(r"^(\s*)::", re.MULTILINE)


def error_text(message: str, remedy: str = "", code: str = "") -> str:
    """Return an error in the form of every command: the sentence, `Fix:` with the command or setting, the code."""
    lines = [f"error: {message}"]
    # A message can already end with a fix, such as one about the mint's settings.
    if remedy and " Fix: " not in message:
        lines.append(f"Fix: {remedy}")
    if code:
        lines.append(f"Code: {code}")
    return without_commands(encodable(without_secrets("\n".join(lines))))


def without_secrets(text: str) -> str:
    """Return text without anything that looks like a token, a JWT or a private key."""
    return redact(text)


def without_commands(text: str) -> str:
    """Return text in which a GitHub runner finds no command.

    Attack: a runner obeys a line whose first characters after blanks are `::`, and `##[` anywhere in a line; a
    mint's sentence or a claim could hold either.
    """
    return _COMMAND.sub(r"\1: :", text).replace("##[", "## [")


def encodable(text: str) -> str:
    r"""Return text that every stream accepts: a lone surrogate, which JSON may hold, becomes `\udXXX`."""
    return text.encode("utf-8", "backslashreplace").decode()


def tell(message: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(without_commands(encodable(message)) + "\n")
