"""The seams: what the steps of minting need from outside, as small protocols.

Another issuer, key store or forge is another object behind one of these. Tests put an in-memory object
behind them; nothing is patched.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from mintcore.errors import MintError
    from mintcore.policy.claims import Caller, GenuineClaims, Proof, SignedClaims, UnprovenClaims
    from mintcore.policy.names import Org, RepoName, Role
    from mintcore.policy.roles import App, Permissions
    from mintcore.policy.token_request import TokenRequest
    from mintcore.policy.trust import Decision
    from mintcore.secret import Secret


class Clock(Protocol):
    """Time, passed in. ``now`` is in seconds since the epoch, ``monotonic`` in seconds since some start."""

    def now(self) -> float:
        """Return the time the outside world goes by."""

    def monotonic(self) -> float:
        """Return a time that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def observe(self, date: str, age: str = "") -> bool:
        """Take note of a trusted service's ``Date`` header; say whether the clock was corrected."""


@dataclass(slots=True)
class Deadline:
    """The time one request may take, all its upstream calls together."""

    clock: Clock
    seconds: float
    _ends: float = field(init=False)

    def __post_init__(self) -> None:
        self._ends = self.clock.monotonic() + self.seconds

    def remaining(self) -> float:
        """Return the seconds that are left, 0.0 when there are none."""
        return max(0.0, self._ends - self.clock.monotonic())

    def elapsed(self) -> float:
        """Return the seconds since the time began to run: with a token request, when its body was there."""
        return self.seconds - self._ends + self.clock.monotonic()


@dataclass(slots=True)
class Attempt:
    """One request on its way through: its budget, its names in the logs, and what it has cost so far.

    ``upstream_calls`` counts the calls sent per service; ``cache_hits`` says per cache whether the answer was
    there; ``step_ms`` is the time each step took, in milliseconds, and ``step_at`` when it began, by the
    monotonic clock. ``served_role`` is the role once policy has allowed it; before, it is a stranger's word.
    """

    deadline: Deadline
    request_id: str
    trace: str = ""
    upstream_calls: dict[str, int] = field(default_factory=dict)
    cache_hits: dict[str, bool] = field(default_factory=dict)
    step_ms: dict[str, float] = field(default_factory=dict)
    step_at: dict[str, float] = field(default_factory=dict)
    served_role: str = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        clock = self.deadline.clock
        started = self.step_at[name] = clock.monotonic()
        try:
            yield
        finally:
            self.step_ms[name] = round((clock.monotonic() - started) * 1000, 2)


class Verifier(Protocol):
    """Says whether a token is genuine, in two steps so that policy can be asked between them."""

    def examine(self, unverified_token: str, attempt: Attempt) -> SignedClaims | UnprovenClaims:
        """Check what can be checked here: claims and, where the issuer's keys are at hand, the signature.

        Raises InvalidToken, or IssuerUnavailable where the signature is the only authority.
        """

    def confirm(
        self, unverified_token: str, examined: SignedClaims | UnprovenClaims, attempt: Attempt
    ) -> GenuineClaims:
        """Ask the last authority. Raises InvalidToken or StsUnavailable."""


class Signer(Protocol):
    """Signs with a key that it does not hand out; a key in a KMS can be behind it too."""

    def sign(self, message: bytes) -> bytes:
        """Return the RS256 signature of ``message`` (RFC 7518 §3.3)."""


class KeyStore(Protocol):
    """The App keys, as signers."""

    def signer(self, role: Role, attempt: Attempt) -> Signer:
        """Return the signer for the App of ``role``.

        Raises RoleKeyMissing, KeyUnavailable or InvalidRoleKey.
        """

    def edition(self, role: Role) -> Hashable:
        """Return what differs once the role's key has been replaced, where that is cheap to know, else ``None``.

        What was signed under one edition is not shown under another. Raises what :meth:`signer` raises.
        """

    def forget(self, role: Role) -> None:
        """Read the key anew next time; GitHub has refused what it signed."""


class AppAssertions(Protocol):
    """App JWTs: what an App proves itself to the forge with."""

    def assertion(self, app: App, attempt: Attempt) -> Secret:
        """Return a JWT the App can show now. Raises what :meth:`KeyStore.signer` raises."""

    def refused(self, app: App, assertion: Secret) -> None:
        """Take note that the forge has refused ``assertion``: the key and the JWT are made anew next time."""

    def mistimed(self, date: str) -> bool:
        """Take note of the forge's ``Date`` beside a refusal; say whether our clock was off and is corrected."""


@dataclass(frozen=True, slots=True)
class InstallationToken:
    """A scoped token as the forge issued it. ``repositories`` is empty when all of them were granted.

    ``expires_at`` is the forge's own text (ISO 8601, UTC).
    """

    token: Secret
    expires_at: str
    repositories: tuple[str, ...]
    permissions: Mapping[str, str]
    repository_selection: str
    installation_id: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is to be good for: ``repos`` of the installation (all of them if empty), and ``permissions``."""

    permissions: Permissions
    repos: tuple[RepoName, ...]


class InstallationTokens(Protocol):
    """Finds the App's installation on an organisation and has the forge issue a token of it."""

    def issue(self, app: App, org: Org, scope: Scope, attempt: Attempt) -> InstallationToken:
        """Return a token of the App's installation on ``org``, scoped to ``scope``.

        Raises a NotInstalled, GitHubUnavailable, GitHubRateLimited, UpstreamTimeout or a key's failure.
        """


class Limiter(Protocol):
    """Counts a caller's mints."""

    def spend(self, key: str) -> None:
        """Count one for ``key``. Raises RateLimited."""


@dataclass(slots=True)
class Decided:
    """Everything the audit log may know of one request, filled in as it goes on.

    ``kind`` is ``mint`` or ``status``. What was not reached is ``None``; ``caller`` stays ``None`` for a token
    that was not proven genuine, because then nobody is known to have asked.
    """

    kind: str
    attempt: Attempt
    request: TokenRequest | None = None
    caller: Caller | None = None
    proof: Proof | None = None
    decision: Decision | None = None
    app: App | None = None
    scope: Scope | None = None
    issued: InstallationToken | None = None
    failure: MintError | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that is on its way. ``route`` is one of the mint's own paths or ``other``.

    ``code`` is empty for an answer that is no error; ``traceparent`` is the caller's header as it came.
    """

    route: str
    status: int
    code: str
    traceparent: str
    attempt: Attempt


class Observer(Protocol):
    """Watches answers, for metrics and traces; nothing that a caller chooses may become a metric's label."""

    def answered(self, answered: Answered) -> None:
        """Take note of one answer."""


class AuditLog(Protocol):
    """Where every decision is written, as one event each."""

    def record(self, decided: Decided) -> None:
        """Write one event."""
