"""Match refs against ``WORKFLOW_REFS``, the refs at which a host repository's workflows are trusted.

A pattern is an exact branch or tag, or one with ``*`` at its end. Patterns are case-sensitive, as git refs are.
Only GitHub knows whether a host contains a commit; see :class:`~mintcore.policy.decision.CommitQuestion`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mintcore.policy.workflow_ref import is_commit, parse_ref

if TYPE_CHECKING:
    from collections.abc import Iterable

COMMITS = "commits"
_BRANCH_OR_TAG = re.compile(r"refs/(?:heads|tags)/.+")


@dataclass(frozen=True, slots=True)
class RefPatterns:
    """The patterns: ``exact`` refs, ``prefixes`` (the text before a ``*``), and whether ``commits`` count."""

    exact: tuple[str, ...]
    prefixes: tuple[str, ...]
    commits: bool

    def __str__(self) -> str:
        return ", ".join([*self.exact, *(f"{prefix}*" for prefix in self.prefixes), *([COMMITS] * self.commits)])

    def match(self, ref: str) -> bool:
        """Return whether a branch or tag is listed; a commit never is."""
        return ref in self.exact or (not is_commit(ref) and ref.startswith(self.prefixes))


def check_pattern(text: str) -> str:
    """Return a pattern of WORKFLOW_REFS, or raise ``ValueError`` with what is wrong."""
    if text == COMMITS:
        return text
    if text.startswith("refs/pull/"):
        raise ValueError("anyone can open a pull request, so its ref proves nothing")
    if not _BRANCH_OR_TAG.fullmatch(text):
        raise ValueError("a ref is refs/heads/NAME or refs/tags/NAME, with an optional * at the end, or commits")
    # The text before the * must follow git's rules for a whole name, because the * stands for the name's end.
    parse_ref(f"{text[:-1]}x" if text.endswith("*") else text)
    return text


def ref_patterns(checked: Iterable[str]) -> RefPatterns:
    """Return the patterns, or raise ``ValueError`` if ``commits`` is listed without an exact branch or tag."""
    patterns = tuple(dict.fromkeys(checked))
    exact = tuple(pattern for pattern in patterns if pattern != COMMITS and not pattern.endswith("*"))
    prefixes = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
    if COMMITS in patterns and not exact:
        raise ValueError("commits needs an exact branch or tag in the list: a commit must be an ancestor of one")
    return RefPatterns(exact, prefixes, COMMITS in patterns)
