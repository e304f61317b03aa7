"""Let tests make commits, branches, tags and forks, as `git push` and GitHub's pages would."""

import threading

from fullsend_sandbox.github.history import DEFAULT_BRANCH, Commit, check_ref_name
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.state import Repository


class Git:
    """Pushes to repositories and forks them. A repository is named `owner/name`, a commit by any name git knows."""

    def __init__(self, parts: Parts, lock: threading.RLock) -> None:
        self._world = parts.world
        self._clock = parts.clock
        self._state = lock

    def commit(self, full_name: str, message: str = "Change something", *, branch: str = DEFAULT_BRANCH) -> str:
        """Push a commit to a branch and return its SHA."""
        with self._state:
            repository = self._world.require_repository(full_name)
            return self._add(repository, [self._tip(repository, branch)], message, branch)

    def orphan(self, full_name: str, branch: str, message: str = "Begin again") -> str:
        """Push a new branch that shares no commit with another one; return its SHA."""
        with self._state:
            repository = self._world.require_repository(full_name)
            return self._add(repository, [], message, check_ref_name(branch))

    def merge(self, full_name: str, commit: str, *, branch: str = DEFAULT_BRANCH) -> str:
        """Merge a commit, also a fork's, into a branch; return the SHA of the merge commit."""
        with self._state:
            repository = self._world.require_repository(full_name)
            parents = [self._tip(repository, branch), self._find(repository, commit).sha]
            return self._add(repository, parents, "Merge", branch)

    def branch(self, full_name: str, name: str, *, at: str = DEFAULT_BRANCH) -> str:
        """Make a branch, or force-push it to another commit; return the commit's SHA."""
        with self._state:
            repository = self._world.require_repository(full_name)
            sha = repository.refs.branches[check_ref_name(name)] = self._find(repository, at).sha
            return sha

    def delete_branch(self, full_name: str, name: str) -> None:
        """Delete a branch; its commits stay in the network."""
        with self._state:
            repository = self._world.require_repository(full_name)
            self._tip(repository, name)
            del repository.refs.branches[name]

    def tag(self, full_name: str, name: str, *, at: str = DEFAULT_BRANCH) -> str:
        """Make a tag, or move it; return the commit's SHA."""
        with self._state:
            repository = self._world.require_repository(full_name)
            sha = repository.refs.tags[check_ref_name(name)] = self._find(repository, at).sha
            return sha

    def fork(self, full_name: str, owner: str, name: str = "") -> Repository:
        """Fork a repository; the fork begins with the parent's branches and tags."""
        with self._state:
            parent = self._world.require_repository(full_name)
            return self._world.add_fork(parent, f"{owner}/{name or parent.name}")

    def _add(self, repository: Repository, parents: list[str], message: str, branch: str) -> str:
        commit = repository.refs.network.add(parents, message, self._clock())
        repository.refs.branches[branch] = commit.sha
        return commit.sha

    @staticmethod
    def _tip(repository: Repository, branch: str) -> str:
        sha = repository.refs.branches.get(branch)
        if sha is None:
            raise ValueError(f"{repository.full_name} has no branch {branch!r}: create it with branch")
        return sha

    @staticmethod
    def _find(repository: Repository, name: str) -> Commit:
        commit = repository.refs.resolve(name)
        if commit is None:
            raise ValueError(f"there is no commit {name!r} in the network of {repository.full_name}")
        return commit
