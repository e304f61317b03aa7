"""The parser for ``job_workflow_ref``.

Trust hangs on this string, so it is taken apart, never prefix-matched. It does not decide whether the
workflow is trusted; :mod:`mintcore.policy.trust` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mintcore.policy.names import Org, Repo

_SHA = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_PULL = re.compile(r"refs/pull/[1-9][0-9]{0,18}/(?P<rest>.+)")
# What `git check-ref-format` refuses anywhere in a ref. A name that git cannot hold did not come from git.
_NOT_IN_A_REF = re.compile(r"\.\.|//|@\{|[~^:?*\[\\ ]|\.lock(?:/|$)|/\.|\.$|/$")
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class WorkflowRef:
    """The workflow file that runs: whose it is, its name, and the git ref or commit it is read at."""

    repo: Repo
    file: str
    ref: str

    def __str__(self) -> str:
        return f"{self.repo}/.github/workflows/{self.file}@{self.ref}"


def parse_workflow_ref(text: str) -> WorkflowRef:
    """Return the parts of ``owner/repo/.github/workflows/FILE@REF``.

    The first ``@`` ends the file name, since FILE can have none and REF can. Raises ``ValueError`` with the
    rule that was broken (GitHub Actions: OpenID Connect reference, ``job_workflow_ref``).
    """
    if len(text) > _LONGEST:
        raise ValueError("it is longer than any workflow reference")
    # isprintable() is false for control, zero-width and other invisible characters: they make two names
    # look like one.
    if not text.isprintable():
        raise ValueError("it has invisible characters")
    path, at, ref = text.partition("@")
    if not at:
        raise ValueError("it has no '@' and so no ref")
    segments = path.split("/")
    if len(segments) != 5 or segments[2:4] != [".github", "workflows"]:  # noqa: PLR2004 - owner, repo, two folders, file
        raise ValueError("it is not owner/repo/.github/workflows/FILE")
    owner, name, _, _, file = segments
    if not file.endswith((".yml", ".yaml")):
        raise ValueError("the file does not end in .yml or .yaml")
    _check_ref(ref)
    return WorkflowRef(Repo(Org(owner), name), file, ref)


def _check_ref(ref: str) -> None:
    if _SHA.fullmatch(ref):
        return
    pull = _PULL.fullmatch(ref)
    if pull:
        rest = pull["rest"]
    elif ref.startswith("refs/heads/"):
        rest = ref.removeprefix("refs/heads/")
    elif ref.startswith("refs/tags/"):
        rest = ref.removeprefix("refs/tags/")
    else:
        raise ValueError("the ref is no branch, tag, pull request or full commit")
    if not rest or rest.startswith("/") or _NOT_IN_A_REF.search(ref):
        raise ValueError("the ref is not one git can have")
