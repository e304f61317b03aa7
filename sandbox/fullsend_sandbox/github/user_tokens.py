"""Create personal access tokens, store them as hashes, and check them.

GitHub REST: "Scopes for OAuth apps", "Permissions required for fine-grained personal access tokens". A classic
token has scopes and its user's rights everywhere; a fine-grained one has permissions on one account's repositories.
Neither exceeds its user's rights, and here a user has all rights in its own accounts and none elsewhere. The
messages of the refusals are those that users of GitHub report.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from werkzeug.wrappers import Request

from fullsend_sandbox.github.answers import RefusedError, not_found
from fullsend_sandbox.github.needs import Need, is_public, permission_header
from fullsend_sandbox.github.state import Account, Repository, includes
from fullsend_sandbox.github.tokens import LETTERS, hash_token

PREFIXES = ("ghp_", "github_pat_")
NOT_ACCESSIBLE = "Resource not accessible by personal access token"
NOT_REPOSITORY_ADMIN = "Must have admin rights to Repository."
NOT_ORGANIZATION_ADMIN = "You must be an org admin or have the actions {kind} fine-grained permission."


@dataclass(frozen=True, eq=False)
class ClassicToken:
    """`ghp_…`: its scopes and its user."""

    user: Account
    scopes: tuple[str, ...]

    def check_repository(self, repository: Repository, need: Need) -> None:
        """Raise RefusedError unless scope and user allow this on a repository."""
        allowed = "repo" in self.scopes and repository.owner.is_run_by(self.user)
        if allowed or (not repository.private and is_public(need)):
            return
        if repository.private:
            raise not_found(need.page)
        raise RefusedError(403, NOT_REPOSITORY_ADMIN, need.page, headers={"X-Accepted-OAuth-Scopes": "repo"})

    def check_organization(self, org: Account, need: Need) -> None:
        """Raise RefusedError unless scope and user allow this on an organization."""
        if "admin:org" not in self.scopes or not org.is_run_by(self.user):
            accepted = {"X-Accepted-OAuth-Scopes": "admin:org"}
            raise RefusedError(403, NOT_ORGANIZATION_ADMIN.format(kind=need.kind), need.page, headers=accepted)


@dataclass(frozen=True, eq=False)
class FineGrainedToken:
    """`github_pat_…`: permissions on some or all repositories of one account, and on the account."""

    user: Account
    resource_owner: Account
    permissions: Mapping[str, str]
    repository_ids: frozenset[int] | None
    """None: all of the account's repositories."""

    def check_repository(self, repository: Repository, need: Need) -> None:
        """Raise RefusedError unless permissions and user allow this on a repository."""
        chosen = self.repository_ids is None or repository.id in self.repository_ids
        covered = chosen and self._reaches(repository.owner)
        if not repository.private and is_public(need):
            return
        if repository.private and not covered:
            raise not_found(need.page)
        if not covered or not self._grants(need):
            raise RefusedError(403, NOT_ACCESSIBLE, need.page, headers=permission_header(need))

    def check_organization(self, org: Account, need: Need) -> None:
        """Raise RefusedError unless permissions and user allow this on an organization."""
        if not self._reaches(org) or not self._grants(need):
            raise RefusedError(403, NOT_ACCESSIBLE, need.page, headers=permission_header(need))

    def _reaches(self, account: Account) -> bool:
        return account is self.resource_owner and account.is_run_by(self.user)

    def _grants(self, need: Need) -> bool:
        # `metadata: read` comes with every fine-grained token.
        return includes({**self.permissions, "metadata": "read"}, need.permission, need.level)


UserToken = ClassicToken | FineGrainedToken


class UserTokens:
    """The personal access tokens of one GitHub."""

    def __init__(self) -> None:
        self._live: dict[str, UserToken] = {}

    def add_classic(self, user: Account, scopes: Iterable[str]) -> str:
        """Make a classic token and return its text."""
        return self._keep(f"ghp_{_letters(36)}", ClassicToken(user, tuple(scopes)))

    def add_fine_grained(
        self, user: Account, owner: Account, permissions: Mapping[str, str], ids: frozenset[int] | None
    ) -> str:
        """Make a fine-grained token and return its text."""
        token = FineGrainedToken(user, owner, dict(permissions), ids)
        return self._keep(f"github_pat_{_letters(22)}_{_letters(59)}", token)

    def revoke(self, text: str) -> None:
        """End a token now."""
        self._live.pop(hash_token(text), None)

    def of(self, request: Request) -> UserToken | None:
        """Return the personal access token behind a request, or None if the caller shows another credential.

        Raises RefusedError 401 for an invalid one.
        """
        _, _, text = request.headers.get("Authorization", "").partition(" ")
        if not text.startswith(PREFIXES):
            return None
        token = self._live.get(hash_token(text.strip()))
        if token is None:
            raise RefusedError(401, "Bad credentials")
        return token

    def headers(self, request: Request) -> dict[str, str]:
        """Return `X-OAuth-Scopes`, which only answers to a classic token have."""
        _, _, text = request.headers.get("Authorization", "").partition(" ")
        token = self._live.get(hash_token(text.strip()))
        return {"X-OAuth-Scopes": ", ".join(token.scopes)} if isinstance(token, ClassicToken) else {}

    def _keep(self, text: str, token: UserToken) -> str:
        self._live[hash_token(text)] = token
        return text


def _letters(count: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(count))
