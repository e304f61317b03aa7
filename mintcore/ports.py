"""Define the ports: small protocols for everything that the steps of minting need from outside.

Support for another issuer, key store or forge (today GitHub) is another class with one of these protocols. Tests
pass in-memory objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from concurrent.futures import Future

    from mintcore.policy.caller import Caller
    from mintcore.policy.claims import GenuineClaims, SignedClaims, UnprovenClaims
    from mintcore.policy.decision import CommitQuestion, EnrolledIds, GrantQuestion, Ids, Target
    from mintcore.policy.names import Role
    from mintcore.policy.roles import App
    from mintcore.request import AnswerRecord, DecisionRecord, InstallationToken, RequestContext, Scope
    from mintcore.secret import Secret


T = TypeVar("T")


class Verifier(Protocol):
    """Verifies a token in two steps, so policy can decide between them."""

    def check_locally(self, unverified_token: str, context: RequestContext) -> SignedClaims | UnprovenClaims:
        """Check the claims and, if the issuer's keys are available, the signature.

        Raises InvalidToken, or IssuerUnavailable if the signature is the only authority.
        """

    def confirm(
        self,
        unverified_token: str,
        checked: SignedClaims | UnprovenClaims,
        context: RequestContext,
        meanwhile: Callable[[], None] | None = None,
    ) -> GenuineClaims:
        """Ask the final authority: Google STS, if the mint has it. Raises InvalidToken or StsUnavailable.

        ``meanwhile`` may be called, once, while the authority works on its answer; it does not raise.
        """

    def may_overlap(self, checked: SignedClaims) -> bool:
        """Return whether a token may be requested while :meth:`confirm` runs: the caller was just accepted before.

        Each acceptance by the final authority allows one such request; calling this uses it up.
        """

    @property
    def answers_later(self) -> bool:
        """Whether :meth:`confirm` can send its request immediately, and then call ``meanwhile``."""


class Signer(Protocol):
    """Signs with a key that it never reveals; the key may be in a KMS."""

    def sign(self, message: bytes) -> bytes:
        """Return the RS256 signature of ``message`` (RFC 7518 §3.3)."""


class KeyStore(Protocol):
    """The App keys, as signers."""

    def signer(self, role: Role, context: RequestContext) -> Signer:
        """Return the signer for the App of ``role``.

        Raises RoleKeyMissing, KeyUnavailable or InvalidRoleKey.
        """

    def key_version(self, role: Role) -> Hashable:
        """Return a value that changes when the role's key is replaced, ``None`` if finding out is expensive.

        An assertion that was signed under one version is not used under another. Raises as :meth:`signer` does.
        """

    def forget(self, role: Role) -> None:
        """Read the key again next time: GitHub has refused its signature."""


class AppAssertions(Protocol):
    """App JWTs, with which an App authenticates to the forge."""

    def assertion(self, app: App, context: RequestContext) -> Secret:
        """Return a JWT that is valid now. Raises as :meth:`KeyStore.signer` does."""

    def refused(self, app: App, assertion: Secret) -> bool:
        """Drop ``assertion``, which the forge has refused, and read the key again next time.

        Return ``False`` if another assertion is here already, which may have the same key.
        """

    def correct_clock(self, date: str) -> bool:
        """Compare with the ``Date`` of the forge's refusal; return whether our clock was corrected."""


class GrantLookup(Protocol):
    """Reads the Actions variable with which a repository or organization grants a role."""

    def variable(self, app: App, question: GrantQuestion, caller: Caller, context: RequestContext) -> str:
        """Return the variable's value as ``app`` reads it; empty if it is not set.

        The calling organization can cause a limited number of look-ups a minute, and cannot repeat a failed one. A
        repository that does not exist or that the App cannot reach has no variable: a caller must not learn which
        private repositories exist. Values, empty ones too, are cached for 60 seconds; failures are not. Raises an
        InstallationError, GitHubUnavailable, GitHubRateLimited, UpstreamTimeout or a key's failure.
        """

    def known(self, app: App, question: GrantQuestion, caller: Caller) -> str | None:
        """Return the value if it is cached, ``None`` if :meth:`variable` must look it up; make no call.

        Raises as :meth:`variable` would if it refused the look-up.
        """


class CommitLookup(Protocol):
    """Asks GitHub whether a workflow host contains a commit."""

    def contains(self, app: App, question: CommitQuestion, caller: Caller, context: RequestContext) -> bool:
        """Return whether the commit is an ancestor of, or identical to, one of the question's refs.

        The mint reads the host with a token of the App's installation on the host's owner or, if there is no such
        installation, on the calling organization. A positive answer is cached for the life of the process, a
        negative one for 60 seconds. Bounded like :meth:`GrantLookup.variable`, and raises as it does.
        """

    def known(self, app: App, question: CommitQuestion, caller: Caller) -> bool | None:
        """Return the answer if it is cached; like :meth:`GrantLookup.known`."""


class IdsLookup(Protocol):
    """Asks GitHub which ids an owner and a repository have."""

    def ids(self, app: App, enrolled: EnrolledIds, caller: Caller, context: RequestContext) -> Ids:
        """Return the present ids, at most a minute old; an id that ``enrolled`` does not have is empty.

        The repository's id is empty for the repository of an owner with another id. Bounded like
        :meth:`GrantLookup.variable`. Raises as :meth:`InstallationTokens.issue` does.
        """

    def known(self, app: App, enrolled: EnrolledIds, caller: Caller) -> Ids | None:
        """Return the ids if they are cached; like :meth:`GrantLookup.known`."""

    def current(self, app: App, enrolled: EnrolledIds, caller: Caller, context: RequestContext) -> Ids:
        """Return the ids as they are now. Raises as :meth:`InstallationTokens.issue` does."""


class InstallationTokens(Protocol):
    """Finds the App's installation on an organization and requests tokens of it from the forge."""

    def issue(self, app: App, target: Target, scope: Scope, context: RequestContext) -> InstallationToken:
        """Return a token of the App's installation on ``target``, with the part of ``scope`` that the forge has.

        Raises an InstallationError, GitHubUnavailable, GitHubRateLimited, UpstreamTimeout, a key's failure, or
        Incident if the installation belongs to another account. If ``scope`` has ids, raises OrgNotAllowed instead,
        also if the repository is another one. A token that is not returned has been revoked.
        """

    def prepare(self, app: App, target: Target, scope: Scope, context: RequestContext) -> None:
        """Fetch in advance what :meth:`issue` needs; this grants nothing. Raises as :meth:`issue` does."""

    def revoke(self, token: Secret, context: RequestContext) -> bool:
        """Revoke a token; return whether the forge confirmed it. Raises nothing."""


class Limiter(Protocol):
    """Counts a caller's mints."""

    def check(self, key: str) -> None:
        """Raise RateLimited if :meth:`spend` would; count nothing."""

    def spend(self, key: str) -> None:
        """Count one mint for ``key``. Raises RateLimited."""


class TokenUses(Protocol):
    """Counts the mints of each OIDC token."""

    def check(self, caller: Caller) -> None:
        """Raise TokenSpent if :meth:`spend` would; count nothing."""

    def spend(self, caller: Caller) -> None:
        """Count one mint of the caller's token. Raises TokenSpent."""

    def refund(self, caller: Caller) -> None:
        """Undo one :meth:`spend` after a failed mint."""


class Helpers(Protocol):
    """Threads for work in parallel with a request. They refuse work instead of queueing it."""

    def start(self, work: Callable[[], T]) -> Future[T] | None:
        """Run ``work`` in a thread and return its future, or ``None`` if every thread is busy."""


class Observer(Protocol):
    """Watches answers for metrics and traces. Metric labels never contain text from a caller."""

    def answered(self, answered: AnswerRecord) -> None:
        """Record one answer."""


class AuditLog(Protocol):
    """Writes one event for every decision."""

    def record(self, record: DecisionRecord) -> None:
        """Write one event."""
