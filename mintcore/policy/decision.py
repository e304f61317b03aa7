"""Define policy's decision: every rule, the values that it compared, and its result.

The error sentence, the audit event, ``/v1/status`` and ``fullsend mint explain`` are renderings of one
:class:`Decision`, so they never differ from what the mint decided.

Policy makes no calls. If a rule depends on a fact that only GitHub knows, it carries a question. The service gets
the answer, adds it to the :class:`Facts`, and lets policy decide again.
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
    """The ids in ENROLLED_IDS of a job's repository and its owner; an empty id is not compared."""

    repository: Repo
    owner_id: str
    repository_id: str


@dataclass(frozen=True, slots=True)
class IdsQuestion:
    """Asks which ids the owner and the repository of ``enrolled`` have now."""

    enrolled: EnrolledIds


class Ids(NamedTuple):
    """GitHub's ids of an owner and a repository; an id is empty if it is not compared."""

    owner_id: str
    repository_id: str


Question = GrantQuestion | CommitQuestion | IdsQuestion


@dataclass(frozen=True, slots=True)
class Facts:
    """GitHub's answers so far. ``unanswered`` maps each failed question to the code of its failure."""

    grants: Mapping[GrantQuestion, str] = field(default_factory=lambda: MappingProxyType({}))
    commits: Mapping[CommitQuestion, bool] = field(default_factory=lambda: MappingProxyType({}))
    ids: Mapping[IdsQuestion, Ids] = field(default_factory=lambda: MappingProxyType({}))
    unanswered: Mapping[Question, str] = field(default_factory=lambda: MappingProxyType({}))


NO_FACTS = Facts()


class Target(NamedTuple):
    """The account that a token is for: the caller's own organization, or one that granted the caller the role.

    ``owner_id`` is GitHub's id of the account, from the caller's signed claims or, for a job, from ENROLLED_IDS. It
    is empty for another organization, and if neither source has it.
    """

    org: Org
    owner_id: str = ""


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The result of an allowed request: ``repos`` of ``target`` (all of them if empty), with ``permissions``.

    ``ids`` are compared with GitHub's answers before the caller gets the token; ``None`` if policy has compared
    them.
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

    ``found`` describes the caller's value, and ``expected`` the accepted values. ``remedy`` is the sentence for a
    genuine caller that is denied. These texts name no other organization than the caller's own and the requested
    one. While ``question`` is set, the rule has no result yet. A ``report_only`` rule does not deny.
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
        """Whether this rule denies the request."""
        return not (self.passed or self.report_only or self.question)

    @property
    def would_deny(self) -> bool:
        """Whether this rule would deny the request if it did not only report."""
        return self.report_only and not self.passed and self.question is None

    def fields(self) -> dict[str, str | bool]:
        """Return the rule as JSON values, for the genuine caller and the operator, who may learn the reason.

        A failed rule has the error ``code`` and the necessary change. An ``open`` rule has no result, because
        GitHub is not asked while another rule denies.
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

    ``entitlement`` is the result of an allowed request; ``None`` if the role or its level is unknown. ``caller`` is
    the caller of the request; ``None`` for a job that no entry of CALLERS matches.
    """

    rules: tuple[Rule, ...]
    entitlement: Entitlement | None = None
    caller: Caller | None = None
    denial: Rule | None = field(init=False, compare=False, repr=False)
    """The first rule that denies; the caller gets its error."""

    def __post_init__(self) -> None:
        # Computed once: each mint reads it six times.
        object.__setattr__(self, "denial", next((rule for rule in self.rules if rule.denies), None))

    @property
    def question(self) -> Question | None:
        """The first open question; ``None`` if the result does not depend on an answer."""
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
        """Return the caller of the request. Raises the denial."""
        self.require()
        if self.caller is None:
            raise ValueError("no entry of CALLERS was found")
        return self.caller

    def granted(self) -> Entitlement:
        """Return the entitlement. Raises the denial, or ``ValueError`` while a question is open."""
        self.require()
        if self.entitlement is None or not self.allowed:
            raise ValueError("the decision is still open")
        return self.entitlement
