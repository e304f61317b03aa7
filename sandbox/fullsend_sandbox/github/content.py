"""Answer requests about files and issues, so tests can check what a token may read and write.

GitHub REST: "Get repository content", "Create or update file contents", "List repository issues", "Create
an issue". It checks permissions and the shape of bodies. A file is written to the default branch only, and an
older version cannot be read.
"""

import base64
import binascii
import hashlib

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.answers import RefusedError, answer, not_found
from fullsend_sandbox.github.bodies import invalid, json_object, required_text
from fullsend_sandbox.github.history import DEFAULT_BRANCH, Commit
from fullsend_sandbox.github.needs import Need
from fullsend_sandbox.github.pages import page_of
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.repositories import RepositoryEndpoints, below_repository
from fullsend_sandbox.github.state import Repository
from fullsend_sandbox.github.views import node_id
from fullsend_sandbox.routes import Route

READ = Need("contents", "read", "/repos/contents#get-repository-content")
WRITE = Need("contents", "write", "/repos/contents#create-or-update-file-contents")
WRITE_WORKFLOW = WRITE._replace(permission="workflows")
LIST_ISSUES = Need("issues", "read", "/issues/issues#list-repository-issues")
CREATE_ISSUE = Need("issues", "write", "/issues/issues#create-an-issue")
WORKFLOWS = ".github/workflows/"


class ContentEndpoints:
    """The endpoints below a repository that need `contents` and `issues`."""

    def __init__(self, parts: Parts, repositories: RepositoryEndpoints) -> None:
        self._permitted = repositories.permitted
        self._views = parts.views
        self._now = parts.clock

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            *below_repository("GET", "/contents/<path:path>", self._read),
            *below_repository("PUT", "/contents/<path:path>", self._write),
            *below_repository("GET", "/issues", self._issues),
            *below_repository("POST", "/issues", self._create_issue),
        ]

    def _read(self, request: Request, path: str, **where: str) -> Response:
        found = self._permitted(request, READ, where)
        if isinstance(found, Response):
            return found
        if path not in found.files:
            raise not_found(READ.page)
        return answer(_file(path, found.files[path]))

    def _write(self, request: Request, path: str, **where: str) -> Response:
        found = self._permitted(request, WRITE, where)
        if isinstance(found, Response):
            return found
        if {"", ".", ".."} & set(path.split("/")):
            raise RefusedError(422, "path contains a malformed path component", WRITE.page)
        if path.startswith(WORKFLOWS):
            # Write access to code does not include workflows, which run with the repository's rights.
            self._permitted(request, WRITE_WORKFLOW, where)
        body = json_object(request)
        message = required_text(body, "message")
        data = _decoded(required_text(body, "content"))
        present = found.files.get(path)
        if present is not None and body.get("sha") != _sha(present):
            raise RefusedError(409, f"{path} does not match the given sha", WRITE.page)
        found.files[path] = data
        commit = self._push(found, message)
        written = {"content": _file(path, data), "commit": {"sha": commit.sha, "message": message}}
        return answer(written, 201 if present is None else 200)

    def _push(self, repository: Repository, message: str) -> Commit:
        refs = repository.refs
        tip = refs.branches.get(DEFAULT_BRANCH)
        commit = refs.network.add(() if tip is None else (tip,), message, self._now())
        refs.branches[DEFAULT_BRANCH] = commit.sha
        return commit

    def _issues(self, request: Request, **where: str) -> Response:
        found = self._permitted(request, LIST_ISSUES, where)
        if isinstance(found, Response):
            return found
        newest_first = range(len(found.issues), 0, -1)
        page, headers = page_of(request, newest_first, self._views.url(f"/repos/{found.full_name}/issues"))
        return answer([self._issue(found, number) for number in page], headers=headers)

    def _create_issue(self, request: Request, **where: str) -> Response:
        found = self._permitted(request, CREATE_ISSUE, where)
        if isinstance(found, Response):
            return found
        title = required_text(json_object(request), "title")
        if not title.strip():
            raise RefusedError(422, "Validation Failed", CREATE_ISSUE.page)
        found.issues.append(title)
        return answer(self._issue(found, len(found.issues)), 201)

    def _issue(self, repository: Repository, number: int) -> dict[str, object]:
        return {
            "id": repository.id * 100_000 + number,
            "node_id": node_id("I", number),
            "number": number,
            "title": repository.issues[number - 1],
            "state": "open",
            "url": self._views.url(f"/repos/{repository.full_name}/issues/{number}"),
        }


def _file(path: str, data: bytes) -> dict[str, object]:
    return {
        "type": "file",
        "encoding": "base64",
        "size": len(data),
        "name": path.rpartition("/")[2],
        "path": path,
        "content": base64.encodebytes(data).decode(),
        "sha": _sha(data),
    }


def _sha(data: bytes) -> str:
    """Return git's name for a blob; SHA-1 is git's choice."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise invalid("content is not valid Base64.", WRITE.page) from problem
