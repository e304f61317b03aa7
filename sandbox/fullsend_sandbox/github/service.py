"""Run GitHub on loopback: its endpoints, and methods with which a test changes its state.

Everything is in memory and under one lock. Everything works until a test breaks it.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from time import time

from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.github.actions_state import ActionsState
from fullsend_sandbox.github.answers import RefusedError
from fullsend_sandbox.github.app_manifests import AppManifests
from fullsend_sandbox.github.endpoints import endpoints
from fullsend_sandbox.github.envelope import Envelope
from fullsend_sandbox.github.git import Git
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.people import People
from fullsend_sandbox.github.state import Account, App, Installation, Repository
from fullsend_sandbox.github.tokens import IssuedToken, TokenStyle
from fullsend_sandbox.keys import new_key, pem
from fullsend_sandbox.loopback import LoopbackService
from fullsend_sandbox.routes import Routes


class GitHubService(LoopbackService):
    """GitHub's REST API; `prefix="/api/v3"` makes it a GitHub Enterprise Server.

    `people` makes owners and their tokens, `actions` arranges variables and secrets, `git` commits and forks.
    """

    def __init__(
        self,
        *,
        clock: Clock = time,
        make_key: Callable[[], rsa.RSAPrivateKey] = new_key,
        token_style: TokenStyle = TokenStyle.CLASSIC,
        prefix: str = "",
    ) -> None:
        self._make_key = make_key
        self._prefix = prefix
        self._state = threading.RLock()
        # The service's own clock can be adjusted; the base class sets it.
        parts = Parts.build(self._now, token_style, lambda: self.api_url)
        self._world, self._apps = parts.world, parts.apps
        self._tokens, self._limits = parts.tokens, parts.limits
        manifests = AppManifests(parts, make_key)
        api = [*endpoints(parts), *manifests.api_routes()]
        table = [(method, f"{prefix}{path}", handler) for method, path, handler in api]
        routes = Routes([*table, *manifests.web_routes()], otherwise=_no_such_path)
        envelope = Envelope(routes, self._limits, parts.user_tokens, self._state, prefix)
        self.people = People(parts, self._state)
        self.actions = ActionsState(parts, self._state, self._now)
        self.git = Git(parts, self._state)
        super().__init__("github", envelope, clock=clock)

    def _now(self) -> float:
        return self.clock()

    @property
    def api_url(self) -> str:
        """What `GITHUB_API_URL` should be."""
        return f"{self.url}{self._prefix}"

    def create_user(self, login: str) -> Account:
        """Add a user account."""
        with self._state:
            return self._world.add_account(login, "User")

    def create_org(self, login: str) -> Account:
        """Add an organization."""
        with self._state:
            return self._world.add_account(login, "Organization")

    def rename_account(self, login: str, new_login: str, *, redirect: bool = False) -> Account:
        """Rename an account.

        Its repositories redirect from their old addresses, its old `/orgs/…` address is 404 (GitHub:
        "Renaming an organization"). With `redirect` that one answers 301 too, as a proxy might.
        """
        with self._state:
            return self._world.rename_account(login, new_login, redirect=redirect)

    def delete_account(self, login: str) -> None:
        """Remove an account with its repositories and installations; anyone may take its login afterwards."""
        with self._state:
            gone = self._world.remove_account(login)
            for installation in self._apps.on(gone):
                self.uninstall(installation)

    def id_of(self, name: str) -> int | None:
        """Return the id of an account, or of a repository `owner/name`, under its name of today."""
        with self._state:
            login, slash, repository = name.partition("/")
            if not slash:
                account = self._world.account(login)
                return None if account is None else account.id
            found = self._world.repository(login, repository)
            return None if found is None or found[1] else found[0].id

    def create_repo(self, full_name: str, *, private: bool = True) -> Repository:
        """Add the repository `owner/name`, with a README.md."""
        with self._state:
            return self._world.add_repository(full_name, private=private)

    def rename_repo(self, full_name: str, new_name: str) -> Repository:
        """Rename a repository; its old address answers 301."""
        with self._state:
            return self._world.rename_repository(full_name, new_name)

    def delete_repo(self, full_name: str) -> None:
        """Remove a repository."""
        with self._state:
            self._world.remove_repository(full_name)

    def create_app(
        self,
        slug: str,
        permissions: Mapping[str, str],
        *,
        owner: str = "app-owner",
        key: rsa.RSAPrivateKey | None = None,
    ) -> App:
        """Register an App, with a key made for it unless one is given."""
        key = key or self._make_key()
        with self._state:
            return self._apps.add(slug, permissions, owner, key)

    def find_app(self, issuer: str) -> App:
        """Return an App by its id or client id. Raises LookupError."""
        with self._state:
            found = self._apps.by_issuer(issuer)
        if found is None:
            raise LookupError(f"there is no App {issuer!r}")
        return found

    def rotate_key(self, app: App, *, keep_old: bool = False) -> bytes:
        """Give an App a new key and return its PEM; JWTs of older keys are refused unless kept."""
        key = self._make_key()
        with self._state:
            app.public_keys = [*(app.public_keys if keep_old else ()), key.public_key()]
            app.private_key_pem = pem(key)
            return app.private_key_pem

    def change_permissions(self, app: App, permissions: Mapping[str, str]) -> None:
        """Change what an App asks for; `accept_permissions` accepts it on an account."""
        with self._state:
            self._apps.change_permissions(app, permissions)

    def install_app(
        self,
        app: App,
        owner: str,
        repositories: str | Iterable[str] = "all",
        permissions: Mapping[str, str] | None = None,
    ) -> Installation:
        """Install an App for all repositories or those named (without owner), with what was accepted."""
        with self._state:
            return self._apps.install(app, owner, repositories, permissions)

    def accept_permissions(self, installation: Installation) -> None:
        """Accept on one account everything that the App asks for."""
        with self._state:
            installation.permissions = dict(installation.app.permissions)

    def select_repositories(self, installation: Installation, repositories: str | Iterable[str]) -> None:
        """Change which repositories an installation may use; existing tokens follow."""
        with self._state:
            chosen = None if repositories == "all" else self._apps.ids_of(installation.account, repositories)
            installation.repository_ids = chosen

    def suspend(self, installation: Installation) -> None:
        """Suspend an installation: no new tokens, and the old ones are refused."""
        with self._state:
            installation.suspended_at = self.clock()

    def unsuspend(self, installation: Installation) -> None:
        """End a suspension."""
        with self._state:
            installation.suspended_at = None

    def uninstall(self, installation: Installation) -> None:
        """Remove an installation and end its tokens."""
        with self._state:
            self._apps.remove(installation)
            self._tokens.revoke_all(installation)

    def reinstall(self, installation: Installation) -> Installation:
        """Uninstall and install again: a new id, the same repositories, and everything the App asks for."""
        with self._state:
            self.uninstall(installation)
            again = self._apps.install(installation.app, installation.account.login, "all", None)
            again.repository_ids = installation.repository_ids
            return again

    def limit_primary(self, reset_in_seconds: float, *, status: int = 403) -> None:
        """Use up the hourly limit; it resets after this many seconds of the clock."""
        with self._state:
            self._limits.exhaust(reset_in_seconds, status)

    def leave_requests(self, remaining: int) -> None:
        """Spend the hourly limit but for this many requests."""
        with self._state:
            self._limits.leave(remaining)

    def limit_secondary(self, retry_after: int | None = None, *, status: int = 403) -> None:
        """Start the secondary limit, for `retry_after` seconds, or for a minute without that header."""
        with self._state:
            self._limits.slow_down(retry_after, status)

    def clear_limits(self) -> None:
        """Lift both limits."""
        with self._state:
            self._limits.clear()

    def not_usable_for(self, seconds: float) -> None:
        """Refuse each token for this many seconds after it was made."""
        with self._state:
            self._tokens.unusable_for = seconds

    def use_token_style(self, style: TokenStyle) -> None:
        """Make tokens of this form from now on; existing ones stay valid."""
        with self._state:
            self._tokens.style = style

    def live_tokens(self) -> list[IssuedToken]:
        """Return a record of each token that is neither expired nor revoked, without the token."""
        with self._state:
            return self._tokens.live()


def _no_such_path(_request: Request, _status: int) -> Response:
    """Answer 404 for an unknown path or method, as GitHub does."""
    raise RefusedError(404, "Not Found")
