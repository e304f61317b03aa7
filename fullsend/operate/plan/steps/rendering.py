"""Show the mint's variables in plans without the secrets that some values contain.

Titles appear in terminals and job logs, emitted commands in files and shell histories. A secret is recognized by
the form of a value (an address with a user or a query) and, for headers, by the variable's name. Any other secret
belongs in Secret Manager, not in a variable.
"""

from __future__ import annotations

import re
import shlex
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MASK = "***"
_USER = re.compile(r"(?<=://)\S*@")
_QUERY = re.compile(r"([?&][^=&\s]+=)[^&\s]+")
_HEADER = re.compile(r"(^|,)([^=,]*)=[^,]*")


def masked(name: str, value: str) -> str:
    """Return a variable's value without user and password, the values of a query, and the values of headers."""
    if name.endswith("_HEADERS"):
        return _HEADER.sub(rf"\1\2={MASK}", value) if "=" in value else MASK if value else ""
    if name.endswith("_PROXY") and "://" not in value:  # a proxy's scheme may be left out
        value = re.sub(r"^.*@", f"{MASK}@", value)
    value = _USER.sub(f"{MASK}@", value)
    return _QUERY.sub(rf"\1{MASK}", value) if "://" in value else value


def listed(variables: Mapping[str, str]) -> str:
    """Return variables in the form of a title."""
    return ", ".join(f"{name}={masked(name, value)}" for name, value in sorted(variables.items()))


def secrets_first(variables: Mapping[str, str]) -> list[str]:
    """Return the comment that lists the variables that the reader's shell needs; empty without such variables."""
    hidden = [name for name, value in sorted(variables.items()) if masked(name, value) != value]
    if not hidden:
        return []
    return [f"# set in this shell before, since their values are secret and not printed: {', '.join(hidden)}"]


def set_env_vars(variables: Mapping[str, str]) -> str:
    """Return gcloud's `--set-env-vars` with its value, quoted for a shell.

    gcloud splits at the delimiter that is given between two ^ (gcloud topic escaping), so no value may contain it.
    A secret is written as a shell variable; the shell stops if that variable is not set.
    """
    pairs = sorted(variables.items())
    delimiter = next(one for one in _delimiters() if _splits(pairs, one))
    words = [f"^{delimiter}^"]
    for number, (name, value) in enumerate(pairs):
        words[-1] += (delimiter if number else "") + f"{name}="
        if masked(name, value) == value:
            words[-1] += value
        else:
            words += [f'"${{{name}:?}}"', ""]
    quoted = [word if number % 2 else shlex.quote(word) for number, word in enumerate(words)]
    return f"--set-env-vars {''.join(quoted if words[-1] else quoted[:-1])}"


def _delimiters() -> Iterator[str]:
    yield from "|#~;%"
    yield from (f"--{number}--" for number in count())


def _splits(pairs: list[tuple[str, str]], delimiter: str) -> bool:
    texts = [f"{name}={value}" for name, value in pairs]
    return not texts or delimiter.join(texts).split(delimiter) == texts
