"""Create installation tokens of a GitHub App, check them against the request, and revoke them.

Tokens are never cached. If the cached installation is gone, it is looked up again, once.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mintcore.errors import GitHubUnavailable, InstallationSuspended, MintError, OtherAccount
from mintcore.github.access import requestable, warnings_of
from mintcore.github.answers import parse_token, token_of
from mintcore.github.diagnosis import covers, explain_unprocessable
from mintcore.github.installation_cache import InstallationCache, InstallationKey
from mintcore.github.refusals import is_not_found, quota_of
from mintcore.policy.decision import Ids, Target
from mintcore.policy.enrolled_ids import denied
from mintcore.policy.names import RepoName
from mintcore.request import Deadline, RequestContext, Scope

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.github.answers import Installation
    from mintcore.github.client import AppClient
    from mintcore.outbound.answer import Answer
    from mintcore.policy.decision import EnrolledIds
    from mintcore.policy.names import Org, Repo
    from mintcore.policy.roles import App
    from mintcore.ports import Helpers
    from mintcore.request import InstallationToken
    from mintcore.secret import Secret

REVOCATION_SECONDS = 5.0
_REVOCATION_PAUSES = (0.0, 0.25, 0.5, 1.0, 2.0)

_DESCRIBES = MappingProxyType({"metadata": "read"})
_OK = 200
_CREATED = 201
_MOVED = 301
_UNPROCESSABLE = 422
_REVOKED = 204
_NOT_YET = frozenset({401, 404})


class GitHubTokens:
    """Issues installation tokens; a :class:`~mintcore.ports.InstallationTokens`."""

    def __init__(self, client: AppClient, clock: Clock, helpers: Helpers | None = None) -> None:
        self._client = client
        self._clock = clock
        self._installations = InstallationCache(client, clock, helpers)

    def issue(self, app: App, target: Target, scope: Scope, context: RequestContext) -> InstallationToken:
        """Return a token as GitHub scoped it (GitHub REST: Create an installation access token for an app).

        Raises as :class:`~mintcore.ports.InstallationTokens` does.
        """
        scope, warnings = requestable(scope), warnings_of(scope)
        key = InstallationKey(app, target)
        installation = self._enrolled(key, scope, context)
        answer = self._create(app, installation, scope, context)
        if is_not_found(answer):
            # The App was uninstalled since the look-up, and perhaps installed again under another id.
            self._installations.drop_if(key, installation)
            installation = self._enrolled(key, scope, context)
            answer = self._create(app, installation, scope, context)
        context.github_quota.update(quota_of(answer))
        if answer.status == _CREATED:
            return self._checked(answer, key, scope, installation, warnings, context=context)
        raise self._refusal(answer, key, installation, scope, context)

    def ids(self, app: App, enrolled: EnrolledIds, context: RequestContext) -> Ids:
        """Return the ids that GitHub has now for the names in question. Raises as :meth:`issue` does.

        Reading a repository's id needs a token for it. That token cannot read content, and is dropped.
        """
        target = Target(enrolled.repository.owner, enrolled.owner_id)
        try:
            self._installations.get(InstallationKey(app, target), context)
        except OtherAccount as other:
            return Ids(other.account_id, "")
        if not enrolled.repository_id:
            return Ids(enrolled.owner_id, "")
        made = self.issue(app, target, Scope(_DESCRIBES, (RepoName(enrolled.repository.name),)), context)
        return Ids(enrolled.owner_id, _id_of(made, enrolled.repository))

    def accepts(
        self, app: App, target: Target, permission: str, context: RequestContext, *, at_most_every: float
    ) -> bool:
        """Return whether the target's owner has accepted ``permission: read`` for the App.

        A cached "no" is checked again, at most once in ``at_most_every`` seconds: the owner may have accepted it
        since. Raises as :class:`~mintcore.ports.InstallationTokens` does.
        """
        key = InstallationKey(app, target)
        if covers(self._installations.get(key, context).permissions.get(permission), "read"):
            return True
        found = self._installations.renew(key, context, at_most_every=at_most_every)
        return found is not None and covers(found.permissions.get(permission), "read")

    def prepare(self, app: App, target: Target, scope: Scope, context: RequestContext) -> None:
        """Connect, sign and fetch the installation; this grants nothing. Raises as :meth:`issue` does."""
        requestable(scope)
        self._client.connect(context)
        # A cached installation needs no call, so without this line no App JWT would be signed during the exchange.
        self._client.sign(app, context)
        self._installations.get(InstallationKey(app, target), context)

    def revoke(self, token: Secret, context: RequestContext) -> bool:
        """Revoke a token that must not be used (GitHub REST: Revoke an installation access token).

        Return whether GitHub confirmed it. The call has its own deadline, because the request's may have passed.
        """
        deadline = Deadline(self._clock, REVOCATION_SECONDS)
        own = RequestContext(
            deadline=deadline,
            request_id=context.request_id,
            trace=context.trace,
            upstream_calls=context.upstream_calls,
        )
        for pause in _REVOCATION_PAUSES:
            self._clock.sleep(pause)
            try:
                status = self._client.revoke(token, own)
            except MintError:
                return False
            # GitHub can refuse a fresh token for some seconds. Only 204 proves that it is revoked.
            if status not in _NOT_YET:
                return status == _REVOKED
        return False

    def _checked(
        self,
        answer: Answer,
        key: InstallationKey,
        scope: Scope,
        installation: Installation,
        warnings: tuple[str, ...],
        *,
        context: RequestContext,
    ) -> InstallationToken:
        """Return the token of ``answer``. Revoke it if it is wider than requested or for another repository."""
        try:
            issued = parse_token(answer, key.org, scope, installation.id, warnings)
            _require_ids(issued, scope)
        except MintError as failure:
            token = token_of(answer)
            if token is None:
                raise
            hashed, revoked = token.hashed(), self.revoke(token, context)
            done = "revoked" if revoked else "the revocation failed"
            told = type(failure)(failure.public, detail=f"{failure.detail} ({done}, hashed_token {hashed})")
            told.withdrawn = hashed, revoked
            raise told from None
        return issued

    def _enrolled(self, key: InstallationKey, scope: Scope, context: RequestContext) -> Installation:
        """Return the installation. Raises OrgNotAllowed if its account is not the enrolled owner in ``scope``."""
        try:
            return self._installations.get(key, context)
        except OtherAccount as other:
            refused = None if scope.ids is None else denied(scope.ids, other.account_id, "")
            raise refused or other from None

    def _create(self, app: App, installation: Installation, scope: Scope, context: RequestContext) -> Answer:
        body: dict[str, Any] = {"permissions": dict(scope.permissions)}
        # GitHub reads an empty list as all repositories, so an empty list is never sent.
        if scope.repos:
            body["repositories"] = list(scope.repos)
        return self._client.call(app, "POST", f"/app/installations/{installation.id}/access_tokens", context, body)

    def _refusal(
        self,
        answer: Answer,
        key: InstallationKey,
        installation: Installation,
        scope: Scope,
        context: RequestContext,
    ) -> MintError:
        app, org = key.app, key.org
        failure = self._client.refusal(answer, doing=f"creating a token on {org}", org=org)
        missing = is_not_found(answer)
        if isinstance(failure, InstallationSuspended) or missing or answer.status == _UNPROCESSABLE:
            # The cached installation is out of date, or its owner will change it because of the error.
            self._installations.drop_if(key, installation)
        if missing:
            return self._installations.not_installed(key, context)
        if answer.status != _UNPROCESSABLE:
            return failure
        installation = self._installations.get(key, context)
        return explain_unprocessable(
            answer,
            org,
            scope,
            granted=installation.permissions,
            reaches=lambda name: self._reaches(app, org, name, installation.id, context),
            failure=failure,
            context=context,
        )

    def _reaches(self, app: App, org: Org, name: RepoName, installation_id: int, context: RequestContext) -> bool:
        answer = self._client.call(app, "GET", f"/repos/{org}/{name}/installation", context)
        # 301: the repository was renamed, and GitHub creates tokens for the new name only.
        if answer.status not in {_OK, _MOVED} and not is_not_found(answer):
            raise self._client.refusal(answer, doing=f"looking at {org}/{name}", org=org)
        return answer.status == _OK and answer.json_object().get("id") == installation_id


def _require_ids(issued: InstallationToken, scope: Scope) -> None:
    """Raise OrgNotAllowed if the enrolled repository has another id now, GitHubUnavailable without an id."""
    ids = scope.ids
    if ids is None or not ids.repository_id:
        return
    refused = denied(ids, ids.owner_id, _id_of(issued, ids.repository))
    if refused is not None:
        raise refused


def _id_of(issued: InstallationToken, repository: Repo) -> str:
    found = issued.repository_ids.get(str(repository).lower(), "")
    if not found:
        raise GitHubUnavailable(detail=f"GitHub's answer lacks the id of {repository}")
    return found
