"""Answer requests about commits, branches, tags, forks and comparisons.

GitHub REST: "Get a commit", "Compare two commits", "List branches", "Get a branch", "Get a reference", "List
repository tags", "List forks". The permissions are those of "Permissions required for GitHub Apps": contents
for all but tags and forks, which need metadata. A public repository needs no permission.
"""

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.answers import RefusedError, answer, not_found
from fullsend_sandbox.github.history import Commit, Comparison
from fullsend_sandbox.github.needs import Need
from fullsend_sandbox.github.pages import page_of
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.repositories import RepositoryEndpoints, below_repository
from fullsend_sandbox.github.state import Repository
from fullsend_sandbox.github.views import SITE, timestamp
from fullsend_sandbox.routes import Route

COMPARE = Need("contents", "read", "/commits/commits#compare-two-commits")
COMMIT = COMPARE._replace(page="/commits/commits#get-a-commit")
BRANCHES = COMPARE._replace(page="/branches/branches#list-branches")
BRANCH = COMPARE._replace(page="/branches/branches#get-a-branch")
REFERENCE = COMPARE._replace(page="/git/refs#get-a-reference")
TAGS = Need("metadata", "read", "/repos/repos#list-repository-tags")
FORKS = Need("metadata", "read", "/repos/forks#list-forks")
MAX_COMMITS = 250
"""How many commits a comparison lists without paging."""


class CommitEndpoints:
    """The endpoints below a repository that read its history."""

    def __init__(self, parts: Parts, repositories: RepositoryEndpoints) -> None:
        self._world = parts.world
        self._permitted = repositories.permitted
        self._views = parts.views

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            *below_repository("GET", "/compare/<path:basehead>", self._compare),
            *below_repository("GET", "/commits/<path:ref>", self._commit),
            *below_repository("GET", "/branches", self._branches),
            *below_repository("GET", "/branches/<path:branch>", self._branch),
            *below_repository("GET", "/git/ref/<path:ref>", self._reference),
            *below_repository("GET", "/tags", self._tags),
            *below_repository("GET", "/forks", self._forks),
        ]

    def _compare(self, request: Request, basehead: str, **where: str) -> Response:
        found = self._permitted(request, COMPARE, where)
        if isinstance(found, Response):
            return found
        base_name, dots, head_name = basehead.partition("...")
        base, head = self._in_network(found, base_name), self._in_network(found, head_name)
        if not dots or base is None or head is None:
            raise not_found(COMPARE.page)
        comparison = found.refs.compare(base, head)
        if comparison is None:
            raise RefusedError(404, f"No common ancestor between {base_name} and {head_name}.", COMPARE.page)
        return self._compared(request, found, base, comparison)

    def _in_network(self, repository: Repository, name: str) -> Commit | None:
        """Find one side of a comparison: a name here, or `owner:branch` and `owner:repo:branch` of a fork."""
        owner, colon, rest = name.partition(":")
        if not colon:
            return repository.refs.resolve(name)
        other, _, branch = rest.rpartition(":")
        for each in self._world.repositories():
            same = each.refs.network is repository.refs.network and each.owner.login.lower() == owner.lower()
            if same and other.lower() in ("", each.name.lower()) and branch in each.refs.branches:
                return each.refs.resolve(f"refs/heads/{branch}")
        return None

    def _compared(self, request: Request, found: Repository, base: Commit, comparison: Comparison) -> Response:
        url = self._views.url(request.path)
        paging = {"page", "per_page"} & set(request.args)
        whole = (list(comparison.ahead[:MAX_COMMITS]), dict[str, str]())
        commits, headers = page_of(request, comparison.ahead, url) if paging else whole
        body: dict[str, object] = {
            "url": url,
            "html_url": f"{SITE}/{found.full_name}/compare/{request.path.rpartition('/compare/')[2]}",
            "status": comparison.relation.value,
            "ahead_by": len(comparison.ahead),
            "behind_by": len(comparison.behind),
            "total_commits": len(comparison.ahead),
            "base_commit": self._shown(found, base),
            "merge_base_commit": self._shown(found, comparison.merge_base),
            "commits": [self._shown(found, each) for each in commits],
        }
        if request.args.get("page", "1") == "1":
            body["files"] = []
        return answer(body, headers=headers)

    def _commit(self, request: Request, ref: str, **where: str) -> Response:
        found = self._permitted(request, COMMIT, where)
        if isinstance(found, Response):
            return found
        commit = found.refs.resolve(ref)
        if commit is None:
            raise RefusedError(422, f"No commit found for SHA: {ref}", COMMIT.page)
        return answer(self._shown(found, commit))

    def _branches(self, request: Request, **where: str) -> Response:
        return self._named(request, BRANCHES, "branches", where)

    def _tags(self, request: Request, **where: str) -> Response:
        return self._named(request, TAGS, "tags", where)

    def _named(self, request: Request, need: Need, kind: str, where: dict[str, str]) -> Response:
        found = self._permitted(request, need, where)
        if isinstance(found, Response):
            return found
        names = sorted((found.refs.branches if kind == "branches" else found.refs.tags).items())
        page, headers = page_of(request, names, self._views.url(f"/repos/{found.full_name}/{kind}"))
        return answer([{"name": name, "commit": self._link(found, sha)} for name, sha in page], headers=headers)

    def _branch(self, request: Request, branch: str, **where: str) -> Response:
        found = self._permitted(request, BRANCH, where)
        if isinstance(found, Response):
            return found
        commit = found.refs.resolve(f"refs/heads/{branch}")
        if commit is None:
            raise RefusedError(404, "Branch not found", BRANCH.page)
        return answer({"name": branch, "commit": self._shown(found, commit), "protected": False})

    def _reference(self, request: Request, ref: str, **where: str) -> Response:
        found = self._permitted(request, REFERENCE, where)
        if isinstance(found, Response):
            return found
        commit = found.refs.resolve(f"refs/{ref}")
        if commit is None:
            raise not_found(REFERENCE.page)
        return answer({"ref": f"refs/{ref}", "object": {"type": "commit", **self._link(found, commit.sha)}})

    def _forks(self, request: Request, **where: str) -> Response:
        found = self._permitted(request, FORKS, where)
        if isinstance(found, Response):
            return found
        forks = [each for each in self._world.repositories() if each.parent is found]
        page, headers = page_of(request, forks, self._views.url(f"/repos/{found.full_name}/forks"))
        return answer([self._views.repository(each) for each in page], headers=headers)

    def _link(self, repository: Repository, sha: str) -> dict[str, object]:
        return {"sha": sha, "url": self._views.url(f"/repos/{repository.full_name}/commits/{sha}")}

    def _shown(self, repository: Repository, commit: Commit) -> dict[str, object]:
        when = {"name": "octocat", "email": "octocat@github.com", "date": timestamp(commit.created_at)}
        return {
            **self._link(repository, commit.sha),
            "html_url": f"{SITE}/{repository.full_name}/commit/{commit.sha}",
            "commit": {"message": commit.message, "author": when, "committer": when},
            "parents": [self._link(repository, parent) for parent in commit.parents],
        }
