"""Policy's answer: every rule, with what it compared and its result.

The error sentence, the audit event, ``/v1/status`` and ``fullsend mint explain`` are renderings of one
:class:`Decision`, so none of them can state something that the mint did not decide.

Policy makes no calls. If a rule depends on something that only GitHub knows, the rule carries the question; the
service has it answered and decides again with the answer among the :class:`Facts`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.errors import MintError
    from mintcore.policy.caller import Caller
    from mintcore.policy.levels import Permissions
    from mintcore.policy.names import Org, Repo, RepoName, Role
    from mintcore.policy.roles import App


@dataclass(frozen=True, slots=True)
class GrantQuestion:
    """Asks for the value of the Actions variable ``variable`` of ``target``, a repository or an organization."""

    target: Org | Repo
    variable: str


@dataclass(frozen=True, slots=True)
class CommitQuestion:
    """Asks whether ``host`` contains ``commit``: as an ancestor of, or identical to, one of ``refs``.

    ``commit`` is a full SHA in lowercase. ``refs`` are exact, ``refs/heads/…`` or ``refs/tags/…``, at least one.
    """

    host: Repo
    commit: str
    refs: tuple[str, ...]


class EnrolledIds(NamedTuple):
    """The ids that ENROLLED_IDS has of a job's repository and of its owner; an empty one is not compared."""

    repository: Repo
    owner_id: str
    repository_id: str


@dataclass(frozen=True, slots=True)
class IdsQuestion:
    """Asks which ids the owner and the repository of ``enrolled`` have now."""

    enrolled: EnrolledIds


class Ids(NamedTuple):
    """GitHub's ids of an owner and a repository; empty where nothing is to be compared."""

    owner_id: str
    repository_id: str


Question = GrantQuestion | CommitQuestion | IdsQuestion


@dataclass(frozen=True, slots=True)
class Facts:
    """The answers so far. ``unanswered`` are questions that failed, with the code of the failure."""

    grants: Mapping[GrantQuestion, str] = field(default_factory=lambda: MappingProxyType({}))
    commits: Mapping[CommitQuestion, bool] = field(default_factory=lambda: MappingProxyType({}))
    ids: Mapping[IdsQuestion, Ids] = field(default_factory=lambda: MappingProxyType({}))
    unanswered: Mapping[Question, str] = field(default_factory=lambda: MappingProxyType({}))


NO_FACTS = Facts()


class Target(NamedTuple):
    """The account that a token is for: the caller's own organization, or one that granted the caller the role.

    ``owner_id`` is GitHub's id of the account as the caller's signed claims have it, for a job as ENROLLED_IDS
    has it. It is empty for another organization, and for the caller's own where neither has it.
    """

    org: Org
    owner_id: str = ""


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What an allowed request gets: ``repos`` of ``target`` (all of them if empty), with ``permissions``.

    ``ids`` are compared with GitHub's answers before the token is handed out; ``None`` if policy has them already.
    """

    role: Role
    app: App
    level: str
    permissions: Permissions
    target: Target
    repos: tuple[RepoName, ...]
    ids: EnrolledIds | None = None


class Rule(NamedTuple):
    """One rule and its result.

    ``found`` is what the caller brought, ``expected`` what passes, ``remedy`` the sentence for a genuine caller
    that is denied; a rule that passed needs none. None of them names another organization, except the one that
    the caller asked for. ``question`` is what has to be answered before there is a result. A ``report_only``
    rule does not deny.
    """

    name: str
    passed: bool
    found: str
    expected: str
    remedy: str
    failure: type[MintError]
    report_only: bool = False
    question: Question | None = None
    more_questions: tuple[Question, ...] = ()

    @property
    def denies(self) -> bool:
        """Whether the request ends here."""
        return not (self.passed or self.report_only or self.question)

    @property
    def would_deny(self) -> bool:
        """Whether the request would end here if the rule did not only report."""
        return self.report_only and not self.passed and self.question is None

    def fields(self) -> dict[str, str | bool]:
        """Return the rule as JSON values, for readers who may know why: the caller itself and the operator.

        A rule that failed has the ``code`` that a request would be answered with, and what would have to change. An
        ``open`` rule has no result yet: GitHub is not asked while another rule denies.
        """
        looked_at: dict[str, str | bool] = {
            "rule": self.name,
            "passed": self.passed,
            "found": self.found,
            "expected": self.expected,
        }
        if self.passed:
            return looked_at
        if self.question is not None:
            return {**looked_at, "open": True}
        if self.report_only:
            looked_at["report_only"] = True
        return {**looked_at, "code": self.failure.code, "change": self.remedy}


@dataclass(frozen=True, slots=True)
class Decision:
    """Every rule that policy looked at, in a fixed order: the caller is told the first denial.

    ``entitlement`` is what an allowed request gets; ``None`` while the role or its level is unknown. ``caller`` is
    who the request is decided for; ``None`` for a job that no entry of CALLERS matches.
    """

    rules: tuple[Rule, ...]
    entitlement: Entitlement | None = None
    caller: Caller | None = None
    denial: Rule | None = field(init=False, compare=False, repr=False)
    """The first rule that denies; its error is the caller's answer."""

    def __post_init__(self) -> None:
        # Once: each mint asks six times.
        object.__setattr__(self, "denial", next((rule for rule in self.rules if rule.denies), None))

    @property
    def question(self) -> Question | None:
        """The first open question; ``None`` where the result is known without an answer."""
        if self.denial is not None:
            return None
        return next((rule.question for rule in self.rules if rule.question is not None), None)

    @property
    def questions(self) -> tuple[Question, ...]:
        """The open questions of the first undecided rule. One answer can be enough to decide it."""
        if self.denial is not None:
            return ()
        rule = next((rule for rule in self.rules if rule.question is not None), None)
        return () if rule is None or rule.question is None else (rule.question, *rule.more_questions)

    @property
    def allowed(self) -> bool:
        """Whether no rule denies and none is open."""
        return all(rule.passed or rule.would_deny for rule in self.rules)

    @property
    def would_deny(self) -> tuple[str, ...]:
        """The names of the rules that only report and would deny."""
        return tuple(rule.name for rule in self.rules if rule.would_deny)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for the caller for each rule that would deny."""
        return tuple(
            f"The rule {rule.name} only reports; it would deny this request with {rule.failure.code}: {rule.remedy}"
            for rule in self.rules
            if rule.would_deny
        )

    def require(self) -> None:
        """Raise the denial, if there is one. An open question does not deny."""
        rule = self.denial
        if rule is not None:
            raise rule.failure(rule.remedy, detail=f"rule {rule.name}: {rule.found}; {rule.expected}")

    def acting_caller(self) -> Caller:
        """Return who the request is decided for. Raises the denial."""
        self.require()
        if self.caller is None:
            raise ValueError("no entry of CALLERS was found")
        return self.caller

    def granted(self) -> Entitlement:
        """Return what the request gets. Raises the denial, or ``ValueError`` while a question is open."""
        self.require()
        if self.entitlement is None or not self.allowed:
            raise ValueError("the decision is still open")
        return self.entitlement
