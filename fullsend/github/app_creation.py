"""Create a role's GitHub App and wait for its installation: the calls to GitHub and their order.

GitHub REST: "Create a GitHub App from a manifest", "Get an app", "Get an organization installation for the
authenticated app". It does not store the key; its caller does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fullsend.failure import BadInput
from fullsend.github.api import GitHubApi, message_of
from fullsend.github.app_manifest import CreatedApp, NewApp, differences, install_url, parse_conversion
from fullsend.github.github_errors import GitHubError, unreachable, unreadable
from fullsend.github.manifest_page import ManifestPage
from fullsend.net.failures import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fullsend.github.apps import GitHubApps
    from fullsend.net.answer import Answer

POLL_SECONDS = 2.0
"""The seconds between two checks whether the App is installed."""


@dataclass(frozen=True, slots=True)
class ExistingApp:
    """An App that already has the name, and how its permissions differ from the role's."""

    app_id: str
    page: str
    differences: list[str]


@dataclass(frozen=True, slots=True)
class AppCreation:
    """The flow for one organization; ``show_line`` shows a line to the operator, ``open_page`` opens a browser."""

    github: GitHubApps
    web_url: str
    show_line: Callable[[str], None]
    open_page: Callable[[str], bool]
    sleep: Callable[[float], None] = time.sleep

    def existing(self, app: NewApp) -> ExistingApp | None:
        """Return the App that already has this name, or None if GitHub does not show one. Raises GitHubError."""
        answer = self._call("GET", f"/apps/{app.slug}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        fields = self._object(answer, HTTPStatus.OK)
        permissions, page = fields.get("permissions"), fields.get("html_url")
        if not (isinstance(permissions, dict) and isinstance(page, str) and isinstance(fields.get("id"), int)):
            raise unreadable(self.github.api_url)
        has = {str(name): str(level) for name, level in permissions.items()}
        return ExistingApp(str(fields["id"]), page, differences(app.permissions, has))

    def require_organization(self, org: str) -> None:
        """Raise BadInput if GitHub has no such organization: its page would be a 404 that explains nothing.

        A server may show accounts only to its users, so every other answer passes.
        """
        answer = self._call("GET", f"/users/{org}")
        if answer.status == HTTPStatus.NOT_FOUND:
            raise BadInput(
                f"{self.web_url} has no organization {org}.", "Write its name as in its address: --org NAME"
            )
        if answer.status == HTTPStatus.OK and self._object(answer, HTTPStatus.OK).get("type") == "User":
            raise BadInput(f"{org} is a user, not an organization.", "Name an organization: --org NAME")

    def create(self, app: NewApp, seconds: float) -> CreatedApp:
        """Return the App that the operator creates in the browser within ``seconds``. Raises GitHubError."""
        with ManifestPage(app, self.web_url) as page:
            self._open(f"Create the App for the role {app.role}", page.url)
            code = page.code(seconds)
        if not code:
            raise GitHubError(
                f"No App was created within {seconds:.0f} s.",
                "Run the command again and finish on GitHub's page, or use --no-browser.",
            )
        try:
            return parse_conversion(self._object(self._call("POST", f"/app-manifests/{code}/conversions")))
        except ValueError as error:
            raise GitHubError(
                f"GitHub created the App, but {error}.",
                "Generate a private key on the App's page and run the command again with --no-browser.",
            ) from None

    def wait_for_installation(self, app: CreatedApp, org: str, attempts: int) -> bool:
        """Open the installation page and ask GitHub up to ``attempts`` times; return whether it is installed."""
        self._open(f"Install the App on {org}", install_url(app.page, self.web_url))
        for _ in range(attempts):
            facts = self.github.app_everywhere(app.app_id, app.key)
            if any(found.login.lower() == org.lower() for found in facts.installations):
                return True
            self.sleep(POLL_SECONDS)
        return False

    def _open(self, what: str, url: str) -> None:
        self.show_line(f"{what}: {url}")
        self.open_page(url)

    def _call(self, method: str, path: str) -> Answer:
        try:
            return GitHubApi(self.github.api_url, self.github.retry).call(method, path)
        except NoAnswerError as error:
            raise unreachable(error, self.github.api_url) from error

    def _object(self, answer: Answer, status: HTTPStatus = HTTPStatus.CREATED) -> dict[str, Any]:
        if answer.status != status:
            raise GitHubError(
                f"GitHub refused to describe the App: {answer.status} {message_of(answer) or ''}".rstrip() + ".",
                "Run the command again; GitHub's codes are good once and for an hour.",
            )
        try:
            return answer.json_object()
        except ValueError:
            raise unreadable(self.github.api_url) from None
