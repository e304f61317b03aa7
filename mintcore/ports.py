"""The seams: what the steps of minting need from outside, as small protocols.

Another issuer, key store or forge is another object behind one of these. Tests put an in-memory object
behind them; nothing is patched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mintcore.policy.claims import GenuineClaims, SignedClaims, UnprovenClaims
    from mintcore.policy.names import Org, Role
    from mintcore.policy.roles import App
    from mintcore.request import AnswerRecord, DecisionRecord, InstallationToken, RequestContext, Scope
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


class Verifier(Protocol):
    """Says whether a token is genuine, in two steps so that policy can be asked between them."""

    def check_locally(self, unverified_token: str, context: RequestContext) -> SignedClaims | UnprovenClaims:
        """Check what can be checked here: claims and, where the issuer's keys are at hand, the signature.

        Raises InvalidToken, or IssuerUnavailable where the signature is the only authority.
        """

    def confirm(
        self, unverified_token: str, examined: SignedClaims | UnprovenClaims, context: RequestContext
    ) -> GenuineClaims:
        """Ask the last authority. Raises InvalidToken or StsUnavailable."""


class Signer(Protocol):
    """Signs with a key that it does not hand out; a key in a KMS can be behind it too."""

    def sign(self, message: bytes) -> bytes:
        """Return the RS256 signature of ``message`` (RFC 7518 §3.3)."""


class KeyStore(Protocol):
    """The App keys, as signers."""

    def signer(self, role: Role, context: RequestContext) -> Signer:
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

    def assertion(self, app: App, context: RequestContext) -> Secret:
        """Return a JWT the App can show now. Raises what :meth:`KeyStore.signer` raises."""

    def refused(self, app: App, assertion: Secret) -> None:
        """Take note that the forge has refused ``assertion``: the key and the JWT are made anew next time."""

    def mistimed(self, date: str) -> bool:
        """Take note of the forge's ``Date`` beside a refusal; say whether our clock was off and is corrected."""


class InstallationTokens(Protocol):
    """Finds the App's installation on an organization and has the forge issue a token of it."""

    def issue(self, app: App, org: Org, scope: Scope, context: RequestContext) -> InstallationToken:
        """Return a token of the App's installation on ``org``, scoped to ``scope``.

        Raises a InstallationError, GitHubUnavailable, GitHubRateLimited, UpstreamTimeout or a key's failure.
        """


class Limiter(Protocol):
    """Counts a caller's mints."""

    def spend(self, key: str) -> None:
        """Count one for ``key``. Raises RateLimited."""


class Observer(Protocol):
    """Watches answers, for metrics and traces; nothing that a caller chooses may become a metric's label."""

    def answered(self, answered: AnswerRecord) -> None:
        """Take note of one answer."""


class AuditLog(Protocol):
    """Where every decision is written, as one event each."""

    def record(self, record: DecisionRecord) -> None:
        """Write one event."""
