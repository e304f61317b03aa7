"""Hold commits, branches and tags. A repository and its forks share one store of commits, as on GitHub.

It finds the commit that a name means, and how two commits relate. GitHub: "Commit exists on GitHub but not in my
local clone", "Understanding connections between repositories". Not thread-safe by itself.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

DEFAULT_BRANCH = "main"
SHORT_SHA = re.compile(r"[0-9a-f]{7,40}")
# git-check-ref-format(1), and GitHub: "Naming branches that look like Git object IDs is blocked".
REF_NAME = re.compile(r"(?!.*(?:\.\.|//|@\{|\.lock\Z|/\.))(?![/.-])[^\x00-\x20\x7f~^:?*\[\\]+(?<![/.])")
OBJECT_ID = re.compile(r"[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?")


@dataclass(frozen=True)
class Commit:
    """One commit; the order of `parents` counts."""

    sha: str
    parents: tuple[str, ...]
    message: str
    created_at: float


class Network:
    """The commits of a repository and of all its forks."""

    def __init__(self) -> None:
        self._commits: dict[str, Commit] = {}

    def add(self, parents: Sequence[str], message: str, at: float) -> Commit:
        """Add a commit. Its SHA-1 is unique and the same in each run with the same clock."""
        text = f"{len(self._commits)}\0{' '.join(parents)}\0{message}\0{int(at)}"
        sha = hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
        commit = self._commits[sha] = Commit(sha, tuple(parents), message, at)
        return commit

    def find(self, sha: str) -> Commit | None:
        """Find a commit by its SHA, full or abbreviated to at least 7 digits."""
        text = sha.lower()
        if not SHORT_SHA.fullmatch(text):
            return None
        return self._commits.get(text) or next((each for key, each in self._matches(text)), None)

    def _matches(self, prefix: str) -> Iterator[tuple[str, Commit]]:
        found = [item for item in self._commits.items() if item[0].startswith(prefix)]
        return iter(found if len(found) == 1 else ())

    def ancestors(self, commit: Commit) -> dict[str, Commit]:
        """Return a commit and all it descends from, by SHA."""
        found: dict[str, Commit] = {}
        waiting = [commit]
        while waiting:
            each = waiting.pop()
            if each.sha not in found:
                found[each.sha] = each
                waiting += [self._commits[parent] for parent in each.parents]
        return found

    def position(self, commit: Commit) -> int:
        """Return how many commits are older."""
        return list(self._commits).index(commit.sha)


class Relation(Enum):
    """How a head relates to a base."""

    AHEAD = "ahead"
    BEHIND = "behind"
    IDENTICAL = "identical"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class Comparison:
    """What `git log BASE..HEAD` and `git log HEAD..BASE` have; oldest first."""

    ahead: tuple[Commit, ...]
    behind: tuple[Commit, ...]
    merge_base: Commit

    @property
    def relation(self) -> Relation:
        """Return the relation that follows."""
        if self.ahead:
            return Relation.DIVERGED if self.behind else Relation.AHEAD
        return Relation.BEHIND if self.behind else Relation.IDENTICAL


@dataclass(eq=False)
class Refs:
    """The branches and tags of one repository, and the commits it shares with its forks."""

    network: Network = field(default_factory=Network)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def resolve(self, name: str) -> Commit | None:
        """Find what a name means: a full ref, a tag, a branch or a SHA, in git's order (gitrevisions(7)).

        A SHA is found in the whole network: a commit of a fork answers under the parent's name.
        """
        for prefix in ("refs/", ""):
            rest = name.removeprefix(prefix) if name.startswith(prefix) else ""
            for kind, refs in (("tags/", self.tags), ("heads/", self.branches)):
                if rest.startswith(kind) and rest.removeprefix(kind) in refs:
                    return self.network.find(refs[rest.removeprefix(kind)])
        sha = self.tags.get(name) or self.branches.get(name) or name
        return self.network.find(sha)

    def compare(self, base: Commit, head: Commit) -> Comparison | None:
        """Return how two commits relate, None without a common ancestor."""
        of_base, of_head = self.network.ancestors(base), self.network.ancestors(head)
        shared = [each for sha, each in of_base.items() if sha in of_head]
        if not shared:
            return None
        order = self.network.position
        ahead = sorted((each for sha, each in of_head.items() if sha not in of_base), key=order)
        behind = sorted((each for sha, each in of_base.items() if sha not in of_head), key=order)
        return Comparison(tuple(ahead), tuple(behind), max(shared, key=order))


def check_ref_name(name: str) -> str:
    """Return the name of a branch or tag. Raises ValueError for a name that git or GitHub rejects."""
    if not REF_NAME.fullmatch(name) or OBJECT_ID.fullmatch(name):
        raise ValueError(f"{name[:100]!r} is not a name for a branch or a tag")
    return name
