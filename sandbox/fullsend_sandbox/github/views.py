"""Show GitHub's records as JSON: the fields of its REST schemas that a client may rely on."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime

from fullsend_sandbox.github.history import DEFAULT_BRANCH
from fullsend_sandbox.github.links import repository_links
from fullsend_sandbox.github.state import Account, App, Installation, Repository

SITE = "https://github.com"


def timestamp(seconds: float) -> str:
    """Return a time as GitHub writes it, ISO 8601 in UTC to the second."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, number: int) -> str:
    """Return an opaque id of the kind that GraphQL uses."""
    return f"{kind}_{base64.urlsafe_b64encode(str(number).encode()).decode().rstrip('=')}"


class Views:
    """JSON of records, with links below the API's current address."""

    def __init__(self, api: Callable[[], str]) -> None:
        self._api = api

    def url(self, path: str) -> str:
        """Return the address of an API path."""
        return f"{self._api()}{path}"

    def account(self, account: Account) -> dict[str, object]:
        """Return a "simple user"; organizations have the same form."""
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node_id("U" if account.type == "User" else "O", account.id),
            "url": self.url(f"/users/{account.login}"),
            "html_url": f"{SITE}/{account.login}",
            "type": account.type,
            "site_admin": False,
        }

    def repository(self, repository: Repository) -> dict[str, object]:
        """Return a "repository", with the URLs that make it several kilobytes."""
        return {
            "id": repository.id,
            "node_id": node_id("R", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "visibility": "private" if repository.private else "public",
            "owner": self.account(repository.owner),
            "description": None,
            "default_branch": DEFAULT_BRANCH,
            "archived": False,
            "disabled": False,
            "fork": repository.parent is not None,
            "topics": [],
            "created_at": timestamp(repository.created_at),
            **repository_links(self._api(), SITE, repository.full_name),
        }

    def app(self, app: App, installations: int) -> dict[str, object]:
        """Return an "integration"."""
        return {
            "id": app.id,
            "client_id": app.client_id,
            "slug": app.slug,
            "node_id": node_id("A", app.id),
            "owner": {"login": app.owner, "type": "Organization"},
            "name": app.slug,
            "description": "",
            "external_url": f"{SITE}/{app.owner}",
            "html_url": f"{SITE}/apps/{app.slug}",
            "created_at": timestamp(app.created_at),
            "updated_at": timestamp(app.created_at),
            "permissions": dict(sorted(app.permissions.items())),
            "events": [],
            "installations_count": installations,
        }

    def installation(self, installation: Installation) -> dict[str, object]:
        """Return an "installation"."""
        account, app = installation.account, installation.app
        organization = f"/organizations/{account.login}" if account.type == "Organization" else ""
        suspended = installation.suspended_at
        return {
            "id": installation.id,
            "client_id": app.client_id,
            "account": self.account(account),
            "repository_selection": installation.selection,
            "access_tokens_url": self.url(f"/app/installations/{installation.id}/access_tokens"),
            "repositories_url": self.url("/installation/repositories"),
            "html_url": f"{SITE}{organization}/settings/installations/{installation.id}",
            "app_id": app.id,
            "app_slug": app.slug,
            "target_id": account.id,
            "target_type": account.type,
            "permissions": dict(sorted(installation.permissions.items())),
            "events": [],
            "created_at": timestamp(installation.created_at),
            "updated_at": timestamp(installation.created_at),
            "single_file_name": None,
            "has_multiple_single_files": False,
            "single_file_paths": [],
            "suspended_at": None if suspended is None else timestamp(suspended),
            "suspended_by": None if suspended is None else self.account(account),
        }
