"""Create, rename, remove and find accounts and repositories by name, ignoring case.

It finds the account or repository that a name means, also a former name. Not thread-safe by itself.
"""

import itertools
import re
from collections.abc import Iterator

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.github.history import DEFAULT_BRANCH, Refs
from fullsend_sandbox.github.state import Account, Repository

LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,37}[A-Za-z0-9])?")
REPOSITORY = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")


class World:
    """The accounts and repositories of one GitHub."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ids = itertools.count(1001)
        self._accounts: dict[str, Account] = {}
        self._repositories: dict[tuple[int, str], Repository] = {}
        self._former_logins: dict[str, Account] = {}
        self._former_names: dict[tuple[int, str], Repository] = {}
        self._redirected: set[str] = set()

    def add_account(self, login: str, kind: str) -> Account:
        """Add a user or organization. Raises ValueError when the login is malformed or taken."""
        self._claim(login)
        account = Account(next(self._ids), login, kind)
        self._accounts[login.lower()] = account
        return account

    def rename_account(self, login: str, new_login: str, *, redirect: bool) -> Account:
        """Rename an account; any account may take its old login from now on."""
        account = self.require_account(login)
        if new_login.lower() != login.lower():
            self._claim(new_login)
            self._former_logins[login.lower()] = account
            if redirect:
                self._redirected.add(login.lower())
        del self._accounts[login.lower()]
        account.login = new_login
        self._accounts[new_login.lower()] = account
        return account

    def remove_account(self, login: str) -> Account:
        """Remove an account and its repositories permanently; its login is free for another account.

        Raises ValueError when it is missing.
        """
        gone = self.require_account(login)
        for repository in [each for each in self._repositories.values() if each.owner is gone]:
            self.remove_repository(repository.full_name)
        del self._accounts[login.lower()]
        self._former_logins = {key: kept for key, kept in self._former_logins.items() if kept is not gone}
        return gone

    def _claim(self, login: str) -> None:
        if not LOGIN.fullmatch(login):
            raise ValueError(f"{login!r} is not a login: use up to 39 letters, digits and inner dashes")
        if login.lower() in self._accounts:
            raise ValueError(f"the login {login!r} is taken")
        self._former_logins.pop(login.lower(), None)
        self._redirected.discard(login.lower())

    def account_with_id(self, number: int) -> Account | None:
        """Find an account by its id, also after its login changed."""
        return next((one for one in self._accounts.values() if one.id == number), None)

    def account(self, login: str) -> Account | None:
        """Find the account with this login."""
        return self._accounts.get(login.lower())

    def redirected_account(self, login: str) -> Account | None:
        """Find the account that had this login, if it was renamed with a redirect."""
        return self._former_logins.get(login.lower()) if login.lower() in self._redirected else None

    def require_account(self, login: str) -> Account:
        """Find an account. Raises ValueError."""
        account = self.account(login)
        if account is None:
            raise ValueError(f"there is no account {login!r}: create it with create_org or create_user")
        return account

    def add_repository(self, full_name: str, *, private: bool) -> Repository:
        """Add a repository with a README, committed on `main`.

        Raises ValueError for an invalid or taken name or a missing owner.
        """
        login, _, name = full_name.partition("/")
        owner = self.require_account(login)
        key = self._free_name(owner, name)
        repository = Repository(next(self._ids), owner, name, private, self._clock())
        repository.files["README.md"] = f"# {name}\n".encode()
        first = repository.refs.network.add((), f"Initial commit of {repository.id}", self._clock())
        repository.refs.branches[DEFAULT_BRANCH] = first.sha
        self._repositories[key] = repository
        return repository

    def add_fork(self, parent: Repository, full_name: str) -> Repository:
        """Add a fork; it shares the parent's commits. Raises ValueError as `add_repository` does."""
        fork = self.add_repository(full_name, private=parent.private)
        fork.refs = Refs(parent.refs.network, dict(parent.refs.branches), dict(parent.refs.tags))
        fork.files, fork.parent = dict(parent.files), parent
        return fork

    def rename_repository(self, full_name: str, new_name: str) -> Repository:
        """Rename a repository; the old name redirects to it until another repository takes it."""
        repository = self.require_repository(full_name)
        old = (repository.owner.id, repository.name.lower())
        key = self._free_name(repository.owner, new_name)
        self._repositories[key] = self._repositories.pop(old)
        self._former_names[old] = repository
        repository.name = new_name
        return repository

    def _free_name(self, owner: Account, name: str) -> tuple[int, str]:
        if not REPOSITORY.fullmatch(name):
            raise ValueError(f"{name!r} is not a repository name: use letters, digits, '.', '_' and '-'")
        key = (owner.id, name.lower())
        if key in self._repositories:
            raise ValueError(f"the repository {owner.login}/{name} exists already")
        self._former_names.pop(key, None)
        return key

    def remove_repository(self, full_name: str) -> None:
        """Remove a repository and its redirects permanently."""
        gone = self.require_repository(full_name)
        del self._repositories[gone.owner.id, gone.name.lower()]
        self._former_names = {key: kept for key, kept in self._former_names.items() if kept is not gone}

    def repository(self, owner: str, name: str) -> tuple[Repository, bool] | None:
        """Find a repository, and return whether it was found under a former name."""
        account = self.account(owner)
        moved = account is None
        account = account or self._former_logins.get(owner.lower())
        if account is None:
            return None
        key = (account.id, name.lower())
        current = self._repositories.get(key)
        if current is not None:
            return current, moved
        former = self._former_names.get(key)
        return None if former is None else (former, True)

    def repository_by_id(self, identifier: str) -> Repository | None:
        """Find a repository by its id in decimal."""
        return next((each for each in self._repositories.values() if str(each.id) == identifier), None)

    def require_repository(self, full_name: str) -> Repository:
        """Find a repository by its current name. Raises ValueError."""
        login, _, name = full_name.partition("/")
        found = self.repository(login, name)
        if found is None or found[1]:
            raise ValueError(f"there is no repository {full_name!r}: create it with create_repo")
        return found[0]

    def repositories(self) -> Iterator[Repository]:
        """Every repository, oldest first."""
        return iter(sorted(self._repositories.values(), key=lambda repository: repository.id))
