"""Define the values that pass through the ports with a request: deadline, context, scope, token and record."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.clock import Clock
    from mintcore.errors import MintError
    from mintcore.policy.caller import Caller, Job
    from mintcore.policy.claims import Proof
    from mintcore.policy.decision import Decision, EnrolledIds, Entitlement
    from mintcore.policy.levels import Permissions
    from mintcore.policy.names import RepoName
    from mintcore.policy.token_request import TokenRequest
    from mintcore.secret import Secret


@dataclass(slots=True)
class Deadline:
    """The time that one request may take, with all its upstream calls."""

    clock: Clock
    seconds: float
    _ends: float = field(init=False)

    def __post_init__(self) -> None:
        self._ends = self.clock.monotonic() + self.seconds

    def remaining(self) -> float:
        """Return the seconds that are left, 0.0 after the deadline."""
        return max(0.0, self._ends - self.clock.monotonic())

    def elapsed(self) -> float:
        """Return the seconds since the start. A token request starts once its body has been read."""
        return self.seconds - self._ends + self.clock.monotonic()


@dataclass(slots=True)
class RequestContext:
    """One request: its deadline, its ids in the logs, and the calls and time that it has used so far.

    ``upstream_calls`` counts the calls per service. ``cache_hits`` tells per cache whether it had the value.
    ``step_ms`` is the duration of each step in milliseconds, and ``step_at`` its start by the monotonic clock.
    ``github_quota`` has the numbers of the ``x-ratelimit-*`` headers of GitHub's token answer: limit, remaining,
    used, reset (epoch seconds). ``served_role`` is empty until policy has allowed the role, because a role is
    unverified input before.
    """

    deadline: Deadline
    request_id: str
    trace: str = ""
    upstream_calls: dict[str, int] = field(default_factory=dict)
    cache_hits: dict[str, bool] = field(default_factory=dict)
    step_ms: dict[str, float] = field(default_factory=dict)
    step_at: dict[str, float] = field(default_factory=dict)
    github_quota: dict[str, int] = field(default_factory=dict)
    served_role: str = ""

    def step(self, name: str) -> _Step:
        """Return a context manager that measures the time of its block."""
        return _Step(self, name)


class _Step:
    """Measures one step. A class, because a generator costs three times as much, and a mint has four steps."""

    __slots__ = ("_context", "_name")

    def __init__(self, context: RequestContext, name: str) -> None:
        self._context = context
        self._name = name

    def __enter__(self) -> None:
        context = self._context
        context.step_at[self._name] = context.deadline.clock.monotonic()

    def __exit__(self, *_: object) -> None:
        context, name = self._context, self._name
        seconds = context.deadline.clock.monotonic() - context.step_at[name]
        context.step_ms[name] = round(seconds * 1000, 2)


class InstallationToken(NamedTuple):
    """A scoped token as the forge issued it. ``repositories`` is empty if the token covers all of them.

    ``expires_at`` is the forge's own text (ISO 8601, UTC). ``warnings`` are sentences for the caller about
    permissions that the forge does not have. ``repository_ids`` maps the full name in lowercase to the forge's id
    of each repository.
    """

    token: Secret
    expires_at: str
    repositories: tuple[str, ...]
    permissions: Mapping[str, str]
    repository_selection: str
    installation_id: int
    warnings: tuple[str, ...] = ()
    repository_ids: Mapping[str, str] = MappingProxyType({})


class Scope(NamedTuple):
    """The access of a token: ``repos`` of the installation (all of them if empty), with ``permissions``.

    ``ids`` must equal the ids in the forge's answers, otherwise no token is returned; ``None`` compares nothing.
    """

    permissions: Permissions
    repos: tuple[RepoName, ...]
    ids: EnrolledIds | None = None


@dataclass(slots=True)
class DecisionRecord:
    """The data of one request for the audit log, filled in step by step.

    ``kind`` is ``mint`` or ``status``. The field of a step that was not reached stays ``None``. ``caller`` also
    stays ``None`` if the token was not proven genuine, because its claims are unverified. ``caller`` is a ``Job``
    if no entry of CALLERS matches. ``withdrawn`` is a token that was requested before the final authority refused
    the caller: the forge's hash of it, and whether it is revoked. ``early_failure`` is why that request failed; the
    caller does not learn it.
    """

    kind: str
    context: RequestContext
    request: TokenRequest | None = None
    caller: Caller | Job | None = None
    proof: Proof | None = None
    decision: Decision | None = None
    entitlement: Entitlement | None = None
    scope: Scope | None = None
    issued: InstallationToken | None = None
    failure: MintError | None = None
    withdrawn: tuple[str, bool] | None = None
    early_failure: MintError | None = None


class AnswerRecord(NamedTuple):
    """An answer that is about to be sent. ``route`` is one of the mint's own paths or ``other``.

    ``code`` is empty unless the answer is an error; ``traceparent`` is the caller's header, unverified.
    """

    route: str
    status: int
    code: str
    traceparent: str
    context: RequestContext
