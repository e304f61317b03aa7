"""Find the known name that a misspelled one is closest to. Only warnings use it; decisions never do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Shorter names would match unrelated ones: PORT is one letter from SORT and POST.
MIN_LENGTH = 4


def closest_name(name: str, known: Iterable[str]) -> str:
    """Return the known name that ``name`` is one letter away from, or an empty text.

    Case, and ``-`` instead of ``_``, do not count. One letter is added, missing, changed, or swapped with its
    neighbor.
    """
    plain = _plain(name)
    for candidate in known:
        if name != candidate and len(candidate) >= MIN_LENGTH and _one_letter(plain, _plain(candidate)):
            return candidate
    return ""


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _one_letter(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    if one == other:
        return True
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    added = one[at + 1 :] == other[at:]
    missing = one[at:] == other[at + 1 :]
    changed = one[at + 1 :] == other[at + 1 :]
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return added or missing or changed or swapped
