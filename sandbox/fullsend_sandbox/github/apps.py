"""Register, install, suspend, remove and find Apps and their installations.

`app_auth.py` decides whether a caller may use them. Not thread-safe by itself.
"""

import itertools
import re
import secrets
import string
from collections.abc import Iterable, Mapping

from cryptography.hazmat.primitives.asymmetric import rsa

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.github.state import LEVELS, Account, App, Installation, Repository, includes
from fullsend_sandbox.github.world import World
from fullsend_sandbox.keys import pem

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,32}[a-z0-9])?")
METADATA = {"metadata": "read"}
"""Every App has this permission."""


class Apps:
    """The Apps of one GitHub and where they are installed."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self._app_ids = itertools.count(700001)
        self._installation_ids = itertools.count(50000001)
        self._apps: dict[int, App] = {}
        self._installations: dict[int, Installation] = {}

    def add(self, slug: str, permissions: Mapping[str, str], owner: str, key: rsa.RSAPrivateKey) -> App:
        """Register an App. Raises ValueError on a bad or taken slug or an unknown access level."""
        if not SLUG.fullmatch(slug) or self.by_slug(slug) is not None:
            raise ValueError(f"the App slug {slug!r} is malformed or taken")
        wanted = METADATA | _checked(permissions)
        client_id = "Iv23li" + "".join(secrets.choice(string.ascii_letters) for _ in range(14))
        app = App(
            next(self._app_ids),
            client_id,
            slug,
            owner,
            wanted,
            self._clock(),
            private_key_pem=pem(key),
            public_keys=[key.public_key()],
        )
        self._apps[app.id] = app
        return app

    def change_permissions(self, app: App, permissions: Mapping[str, str]) -> None:
        """Change what an App asks for: less applies at once, more only after each account accepts it."""
        app.permissions = METADATA | _checked(permissions)
        for installation in self.installations(app):
            installation.permissions = {
                name: min(level, app.permissions[name], key=LEVELS.index)
                for name, level in installation.permissions.items()
                if name in app.permissions
            }

    def install(
        self, app: App, owner: str, repositories: str | Iterable[str], permissions: Mapping[str, str] | None
    ) -> Installation:
        """Install an App. Raises ValueError if it is installed, or for a permission that it does not ask for."""
        account = self._world.require_account(owner)
        if self.on_account(app, account) is not None:
            raise ValueError(f"{app.slug} is installed on {account.login} already")
        accepted = METADATA | _checked(app.permissions if permissions is None else permissions)
        for name, level in accepted.items():
            if not includes(app.permissions, name, level):
                raise ValueError(f"{app.slug} does not ask for {name}:{level}")
        selected = None if repositories == "all" else self.ids_of(account, repositories)
        installation = Installation(next(self._installation_ids), app, account, accepted, selected, self._clock())
        self._installations[installation.id] = installation
        return installation

    def ids_of(self, account: Account, names: str | Iterable[str]) -> set[int]:
        """Return the ids of an account's repositories, named without their owner."""
        if isinstance(names, str):
            raise ValueError(f"repositories is 'all' or a list of names, not {names!r}")  # noqa: TRY004
        return {self._world.require_repository(f"{account.login}/{name}").id for name in names}

    def remove(self, installation: Installation) -> None:
        """Remove an installation; its id is never used again."""
        self._installations.pop(installation.id, None)

    def by_slug(self, slug: str) -> App | None:
        """Find an App by its slug."""
        return next((app for app in self._apps.values() if app.slug == slug), None)

    def by_issuer(self, issuer: str | int) -> App | None:
        """Find an App by its id, as a number or in decimal, or by its client id."""
        for app in self._apps.values():
            if issuer in (app.id, str(app.id), app.client_id):
                return app
        return None

    def installation(self, identifier: str) -> Installation | None:
        """Find an installation by its id in decimal."""
        if not (identifier.isascii() and identifier.isdigit() and len(identifier) < len(str(2**64))):
            return None
        return self._installations.get(int(identifier))

    def holds(self, installation: Installation) -> bool:
        """Whether an installation exists."""
        return self._installations.get(installation.id) is installation

    def installations(self, app: App) -> list[Installation]:
        """Every installation of an App, oldest first."""
        return [each for each in self._installations.values() if each.app is app]

    def on(self, account: Account) -> list[Installation]:
        """Every installation on an account, oldest first."""
        return [each for each in self._installations.values() if each.account is account]

    def on_account(self, app: App, account: Account) -> Installation | None:
        """Find an App's installation on an account."""
        return next((each for each in self.installations(app) if each.account is account), None)

    def on_repository(self, app: App, repository: Repository) -> Installation | None:
        """Find the installation through which an App may use a repository."""
        return next((each for each in self.installations(app) if each.covers(repository)), None)


def _checked(permissions: Mapping[str, str]) -> dict[str, str]:
    for name, level in permissions.items():
        if level not in LEVELS or (name == "metadata" and level != "read"):
            raise ValueError(f"{name}:{level} is not a permission: levels are read, write and admin")
    return dict(permissions)
