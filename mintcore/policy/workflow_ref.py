"""Parse ``job_workflow_ref``.

Trust depends on this string, so it is parsed, never prefix-matched. :mod:`mintcore.policy.workflow_rules` decides
whether the workflow is trusted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mintcore.policy.names import Org, Repo

_SHA = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_PULL = re.compile(r"refs/pull/[1-9][0-9]{0,18}/(?P<rest>.+)")
# The characters that `git check-ref-format` rejects anywhere in a ref: such a name cannot come from git.
_NOT_IN_A_REF = re.compile(r"\.\.|//|@\{|[~^:?*\[\\ ]|\.lock(?:/|$)|/\.|\.$|/$")
_MAX_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class WorkflowRef:
    """The workflow file that runs: its repository, its name, and its git ref or commit."""

    repo: Repo
    file: str
    ref: str

    def __str__(self) -> str:
        return f"{self.repo}/.github/workflows/{self.file}@{self.ref}"


def parse_workflow_ref(text: str) -> WorkflowRef:
    """Return the parts of ``owner/repo/.github/workflows/FILE@REF``.

    The first ``@`` ends the file name: REF can contain another ``@``, FILE cannot. Raises ``ValueError`` with the
    rule that was broken (GitHub Actions: OpenID Connect reference, ``job_workflow_ref``).
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError("it is longer than any workflow reference")
    # isprintable() is false for control, zero-width and other invisible characters, which make two names
    # look like one.
    if not text.isprintable():
        raise ValueError("it has invisible characters")
    path, at, ref = text.partition("@")
    if not at:
        raise ValueError("it has no '@' and therefore no ref")
    segments = path.split("/")
    if len(segments) != 5 or segments[2:4] != [".github", "workflows"]:  # noqa: PLR2004 - owner, repo, two folders, file
        raise ValueError("it is not owner/repo/.github/workflows/FILE")
    owner, name, _, _, file = segments
    if not file.endswith((".yml", ".yaml")):
        raise ValueError("the file does not end in .yml or .yaml")
    parse_ref(ref)
    return WorkflowRef(Repo(Org(owner), name), file, ref)


def is_commit(ref: str) -> bool:
    """Return whether ``ref`` is a full commit SHA."""
    return _SHA.fullmatch(ref) is not None


def parse_ref(ref: str) -> str:
    """Return a branch, tag, pull request ref or full commit, or raise ``ValueError`` with what is wrong."""
    if is_commit(ref):
        return ref
    pull = _PULL.fullmatch(ref)
    if pull:
        rest = pull["rest"]
    elif ref.startswith("refs/heads/"):
        rest = ref.removeprefix("refs/heads/")
    elif ref.startswith("refs/tags/"):
        rest = ref.removeprefix("refs/tags/")
    else:
        raise ValueError("the ref is not a branch, tag, pull request or full commit")
    if not rest or rest.startswith("/") or _NOT_IN_A_REF.search(ref):
        raise ValueError("git does not allow such a ref")
    return ref
