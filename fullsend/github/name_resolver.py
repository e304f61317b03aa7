"""Look up GitHub's spelling and id of a name.

CEL compares case-sensitively, so the exact spelling matters. Another account can take over a name, but not an id.
GitHub REST: "Get a user" (finds organizations too), "Get a user using their ID", "Get a repository".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fullsend.github.api import DEFAULT_API_URL, GitHubApi
from fullsend.github.github_errors import GitHubError, is_limit, unreadable
from fullsend.net.failures import NoAnswerError
from fullsend.net.retry import RetryPolicy
from mintcore.policy.names import Org, Repo, parse_repo

if TYPE_CHECKING:
    from mintcore.secret import Secret

SECONDS = 20.0
RENAMED = (
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
)
_AS_SPELLED = "give the name in GitHub's own case together with --as-spelled."


class UnknownNameError(GitHubError):
    """GitHub does not show the name: it is wrong or private, or the account was renamed or deleted."""


class RenamedError(GitHubError):
    """GitHub knows the account or repository under a new name."""


@dataclass(frozen=True, slots=True)
class Account:
    """An organization or user: its name as GitHub spells it, and its id."""

    name: Org
    number: str


@dataclass(frozen=True, slots=True)
class RepositoryId:
    """A repository: its name as GitHub spells it, its id, and its owner's id."""

    name: Repo
    number: str
    owner_number: str


@dataclass(frozen=True, slots=True)
class NameResolver:
    """Looks up names at GitHub; without a token only public ones."""

    api_url: str = DEFAULT_API_URL
    token: Secret | None = None
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(total_seconds=SECONDS))

    def org(self, org: Org) -> Org:
        """Return the organization or user as GitHub spells it. Raises GitHubError."""
        return self.account(org).name

    def account(self, org: Org) -> Account:
        """Return the organization or user with its id. Raises GitHubError."""
        found = self._get(f"/users/{org.login}", f"an organization or user {org}")
        login = str(found.get("login", ""))
        if login.lower() != org.key:
            raise RenamedError(f"GitHub knows {org} as {login!r}; it was renamed.", f"Use the name {login!r}.")
        return Account(Org(login), self._number(found))

    def login_of(self, number: str) -> str:
        """Return the present login of an account's id; empty if GitHub does not show the account.

        Raises GitHubError.
        """
        try:
            return str(self._get(f"/user/{number}", f"the account with the id {number}").get("login", ""))
        except UnknownNameError:
            return ""

    def repo_of(self, number: str) -> str:
        """Return the present name of a repository's id; empty if GitHub does not show the repository.

        A renamed repository redirects to this address. Raises GitHubError.
        """
        try:
            name = str(
                self._get(f"/repositories/{number}", f"the repository with the id {number}").get("full_name")
            )
            return str(parse_repo(name))
        except (UnknownNameError, ValueError):
            return ""

    def repo(self, repo: Repo) -> Repo:
        """Return the repository as GitHub spells it. Raises GitHubError."""
        return self.repository(repo).name

    def repository(self, repo: Repo) -> RepositoryId:
        """Return the repository with its id and its owner's. Raises GitHubError."""
        found = self._get(f"/repos/{repo}", f"a repository {repo}")
        name, owner = str(found.get("full_name", "")), found.get("owner")
        if name.lower() != str(repo).lower():
            raise RenamedError(f"GitHub knows {repo} as {name!r}; it was renamed.", f"Use the name {name!r}.")
        return RepositoryId(parse_repo(name), self._number(found), self._number(owner))

    def _number(self, found: object) -> str:
        number = found.get("id") if isinstance(found, dict) else None
        if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
            raise unreadable(self.api_url)
        return str(number)

    def _get(self, path: str, what: str) -> dict[str, Any]:
        """Return the object at a path. A redirect means that the name is old, so it is not followed."""
        api = GitHubApi(self.api_url, self.retry)
        try:
            answer = api.call("GET", path, self.token.reveal() if self.token else "")
        except NoAnswerError as error:
            raise GitHubError(
                f"GitHub did not look up {what}: {error}.",
                f"Check the network and GITHUB_API_URL, or {_AS_SPELLED}",
            ) from error
        if answer.status in RENAMED:
            raise RenamedError(f"GitHub no longer knows {what}: it was renamed.", "Use its new name.")
        if is_limit(answer):
            raise GitHubError(
                f"GitHub limits the calls and did not look up {what}.", f"{self._hint()}, or {_AS_SPELLED}"
            )
        if answer.status != HTTPStatus.OK:
            raise self._unknown(answer.status, what)
        try:
            return answer.json_object()
        except ValueError:
            raise unreadable(self.api_url) from None

    def _unknown(self, status: int, what: str) -> GitHubError:
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return GitHubError(f"GitHub failed to look up {what} ({status}).", "Run the command again.")
        kind = UnknownNameError if status == HTTPStatus.NOT_FOUND else GitHubError
        return kind(
            f"GitHub does not show {what} ({status}): the name is wrong, or it is private.",
            f"{self._hint()}, or {_AS_SPELLED}",
        )

    def _hint(self) -> str:
        return "Set GH_TOKEN to a token that can see it (gh auth token prints yours)"
