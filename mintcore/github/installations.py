"""The installations of a GitHub App, and tokens for them.

Installations are cached, tokens never. If an installation is gone, it is looked up again, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from mintcore.cache import ExpiringCache
from mintcore.errors import (
    AppNotInstalled,
    InstallationSuspended,
    MintError,
    UpstreamTimeout,
)
from mintcore.github.diagnosis import covers, explain_unprocessable
from mintcore.github.grants import parse_installation, parse_token
from mintcore.github.refusals import is_not_found, suspended
from mintcore.outbound.answer import Answer

if TYPE_CHECKING:
    from mintcore.github.client import AppClient
    from mintcore.github.grants import Installation
    from mintcore.outbound.answer import Answer
    from mintcore.policy.decision import Target
    from mintcore.policy.names import Org, RepoName
    from mintcore.policy.roles import App
    from mintcore.ports import Clock
    from mintcore.request import InstallationToken, RequestContext, Scope

INSTALLED_SECONDS = 600.0
NOT_INSTALLED_SECONDS = 15.0

_OK = 200
_CREATED = 201
_MOVED = 301
_UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class _Sought:
    """The cache key of an installation: App, organization, and the account's id where the claims have it."""

    app: App
    target: Target

    @property
    def org(self) -> Org:
        return self.target.org


class GitHubTokens:
    """Issues installation tokens; a :class:`~mintcore.ports.InstallationTokens`."""

    def __init__(self, client: AppClient, clock: Clock) -> None:
        self._client = client
        self._installations = ExpiringCache[_Sought, "Installation | None"](
            "installation",
            clock=clock,
            fresh_for=lambda found: (
                NOT_INSTALLED_SECONDS if found is None or found.suspended else INSTALLED_SECONDS
            ),
            hold_failure_seconds=0.0,  # each caller gets GitHub's own answer
            most=10_000,
            slow=lambda: UpstreamTimeout(detail="waited for the installation until the time ran out"),
        )

    def issue(self, app: App, target: Target, scope: Scope, context: RequestContext) -> InstallationToken:
        """Return a token as GitHub scoped it (GitHub REST: Create an installation access token for an app).

        Raises what :class:`~mintcore.ports.InstallationTokens` says.
        """
        sought = _Sought(app, target)
        installation = self._installation(sought, context)
        answer = self._create(app, installation, scope, context)
        if is_not_found(answer):
            # The App was uninstalled since the look-up, and perhaps installed again under another id.
            self._installations.drop_if(sought, installation)
            installation = self._installation(sought, context)
            answer = self._create(app, installation, scope, context)
        if answer.status == _CREATED:
            return parse_token(answer, target.org, scope, installation.id)
        raise self._refusal(answer, sought, installation, scope, context)

    def accepts(
        self, app: App, target: Target, permission: str, context: RequestContext, *, at_most_every: float
    ) -> bool:
        """Return whether the target's owner has accepted ``permission: read`` for the App.

        A cached "no" is checked again, once in ``at_most_every`` seconds: the owner may have accepted it since.
        Raises what :class:`~mintcore.ports.InstallationTokens` says.
        """
        sought = _Sought(app, target)
        if covers(self._installation(sought, context).permissions.get(permission), "read"):
            return True
        load = partial(self._look_up, sought, context)
        found = self._installations.renew(sought, load, context, at_most_every=at_most_every)
        return found is not None and covers(found.permissions.get(permission), "read")

    def _create(self, app: App, installation: Installation, scope: Scope, context: RequestContext) -> Answer:
        body: dict[str, Any] = {"permissions": dict(scope.permissions)}
        # GitHub reads an empty list as all repositories. Leave it out, so that is never by accident.
        if scope.repos:
            body["repositories"] = list(scope.repos)
        return self._client.call(app, "POST", f"/app/installations/{installation.id}/access_tokens", context, body)

    def _refusal(
        self, answer: Answer, sought: _Sought, installation: Installation, scope: Scope, context: RequestContext
    ) -> MintError:
        app, org = sought.app, sought.org
        failure = self._client.refusal(answer, doing=f"creating a token on {org}", org=org)
        missing = is_not_found(answer)
        if isinstance(failure, InstallationSuspended) or missing or answer.status == _UNPROCESSABLE:
            # The cached installation is out of date, or its owner is about to change it.
            self._installations.drop_if(sought, installation)
        if missing:
            return self._not_installed(app, org, context)
        if answer.status != _UNPROCESSABLE:
            return failure
        installation = self._installation(sought, context)
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

    def _installation(self, sought: _Sought, context: RequestContext) -> Installation:
        found = self._installations.get(sought, lambda: self._look_up(sought, context), context)
        if found is None:
            raise self._not_installed(sought.app, sought.org, context)
        if found.suspended:
            raise suspended(sought.org)
        return found

    def _look_up(self, sought: _Sought, context: RequestContext) -> Installation | None:
        """Ask for the organization's installation, then for a user account's of the same name."""
        app, org = sought.app, sought.org
        for kind in ("orgs", "users"):
            answer = self._client.call(app, "GET", f"/{kind}/{org}/installation", context)
            if answer.status == _OK:
                return parse_installation(answer, sought.target)
            if not is_not_found(answer):
                raise self._client.refusal(answer, doing=f"finding the installation on {org}", org=org)
        return None

    def _not_installed(self, app: App, org: Org, context: RequestContext) -> AppNotInstalled:
        page = self._client.install_page(app, context)
        return AppNotInstalled(
            f"The role's GitHub App (App ID {app.app_id}) is not installed on {org}. Fix: an owner installs it "
            + (f"at {page}." if page else "from the App's page on GitHub.")
        )
