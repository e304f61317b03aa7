"""Find problems with the names, modes and duplicates of key files, as text that never quotes a key."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from mintcore.keys.directory import MAX_FILE
from mintcore.keys.regular_file import read_regular_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mintcore.policy.names import Role

_OWN_ADVICE = re.compile(r"; (?=(?:store|keep) )")
_UNREADABLE = "cannot be read by the user the mint runs as"
_DOWNLOAD = "put the .pem file there that GitHub offers for download under 'Private keys' in the App's settings"


def with_fix(problem: str) -> str:
    """Return a key's problem with one fix: the problem's own advice, or how to get the file."""
    what, *own = _OWN_ADVICE.split(problem, maxsplit=1)
    if own:
        return f"{what}. Fix: {own[0]}"
    if problem.endswith(_UNREADABLE):
        return f"{problem}. Fix: make that user its owner (chown), with mode 0600"
    return f"{problem}. Fix: {_DOWNLOAD}"


def similar_file(directory: str, role: Role) -> str:
    """Return the name of an unread file that is probably meant for the role, or an empty string."""
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - a string, as it was given
    except OSError:
        return ""
    return next((name for name in names if _looks_like(name, role)), "")


def _looks_like(name: str, role: Role) -> bool:
    if name == f"{role}.pem":  # a link that leads nowhere
        return False
    stem, dot, ending = name.lower().partition(".")
    return stem == role and bool(dot) and ending in {"pem", "key", "pem.txt", "private-key.pem", "crt", "cer"}


def folder_warning(directory: str) -> str:
    """Return a warning if every user may write to the folder and so replace keys, or an empty string."""
    mode = stat.S_IMODE(Path(directory).stat().st_mode)
    if not mode & stat.S_IWOTH or mode & stat.S_ISVTX:
        return ""
    what = f"every user of this machine can replace the keys in {directory} (mode {mode:04o})"
    return f"{what}. Fix: chmod 700 {directory}"


def shared_keys(files: Mapping[str, str]) -> Iterator[str]:
    """Yield a warning for each key that several Apps share; ``files`` maps a path to its App ID."""
    by_content: dict[bytes, list[str]] = {}
    for path in sorted(files):
        by_content.setdefault(_digest(path), []).append(path)
    for content, paths in by_content.items():
        apps = sorted({files[path] for path in paths})
        if content and len(apps) > 1:
            yield (
                f"{', '.join(paths)} hold the same key, and belong to the Apps {', '.join(apps)}. A key belongs to "
                "one App, so GitHub refuses what it signs for the others. Fix: store each App's own key"
            )


def _digest(path: str) -> bytes:
    """Return a digest of the file, empty if it cannot be read."""
    try:
        content = b"".join(read_regular_file(path, MAX_FILE + 1).split())
    except OSError:
        return b""
    return hashlib.sha256(content).digest() if content else b""
