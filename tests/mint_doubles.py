"""In-memory objects for the mint's ports, for tests of one part at a time."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from mintcore.policy.claims import check_claims
from mintcore.policy.issuers import Issuer
from mintcore.policy.kinds.github import GITHUB
from mintcore.policy.names import Org, Repo, Role, fold, parse_repo
from mintcore.policy.policy import TrustPolicy
from mintcore.policy.roles import build_role_book
from mintcore.request import Deadline, RequestContext
from mintcore.verify.chain import Keys, TrustedIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from mintcore.errors import MintError
    from mintcore.policy.caller import WorkflowCaller
    from mintcore.policy.levels import Levels

NOW = 1_900_000_000.0
ISSUER = "https://issuer.test"
AUDIENCE = "fullsend-mint"
WORKFLOW = "octo-org/.fullsend/.github/workflows/triage.yml@refs/heads/main"


class FakeClock:
    """A clock that moves only when a test moves it, or when code sleeps."""

    def __init__(self, now: float = NOW) -> None:
        self.time = now
        self.sleeps: list[float] = []
        self.observed: list[str] = []
        self.witnessed: list[float] = []
        self.corrects = False

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    def observe(self, date: str, age: str = "", *, cacheable: bool = False) -> bool:  # noqa: ARG002 - the port's
        self.observed.append(date)
        return self.corrects

    def note_proven_time(self, seconds: float) -> None:
        self.witnessed.append(seconds)

    def advance(self, seconds: float) -> None:
        self.time += seconds


def trusted(url: str, keys: Keys) -> TrustedIssuer:
    """GitHub's issuer at ``url``, as OIDC_ISSUER_URL names it."""
    return TrustedIssuer(Issuer("", GITHUB, url, AUDIENCE), keys)


def new_attempt(clock: Any, seconds: float = 25.0) -> RequestContext:
    return RequestContext(Deadline(clock, seconds), "request-1")


def claims(**changes: Any) -> dict[str, Any]:
    """Claims that pass every check at NOW; a change of ``None`` leaves the claim out."""
    given: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": int(NOW) + 300,
        "nbf": int(NOW) - 600,
        "iat": int(NOW),
        "repository": "octo-org/app",
        "repository_owner": "octo-org",
        "job_workflow_ref": WORKFLOW,
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


def caller(workflow: str = WORKFLOW, repository: str = "octo-org/app", **changes: Any) -> WorkflowCaller:
    owner = repository.partition("/")[0]
    given = claims(repository=repository, repository_owner=owner, job_workflow_ref=workflow, **changes)
    return check_claims(given, issuer=ISSUER, audience=AUDIENCE, now=NOW)


def policy(
    *,
    orgs: Iterable[str] | None = ("octo-org",),
    files: Iterable[str] | None = ("triage.yml",),
    hosts: Iterable[str] = ("fullsend-ai/fullsend",),
    per_repo: Iterable[str] = (),
    apps: Mapping[str, str] | None = None,
    custom: Mapping[Role, Levels] | None = None,
    allowed: Iterable[Role] | None = None,
    **more: Any,
) -> TrustPolicy:
    """Return a policy as the settings would make it; ``orgs=None`` is public mode, ``files=None`` any file."""
    app_ids = {Role(role): app_id for role, app_id in (apps or {"triage": "1", "coder": "2"}).items()}
    return TrustPolicy(
        orgs=None if orgs is None else frozenset(Org(org) for org in orgs),
        workflow_files=None if files is None else frozenset(fold(file) for file in files),
        host_repos=frozenset(parse_repo(repo) for repo in hosts),
        per_repo_repos=frozenset(parse_repo(repo) for repo in per_repo),
        roles=build_role_book(app_ids, custom or {}, allowed),
        **more,
    )


def repo(text: str) -> Repo:
    return parse_repo(text)


class ManualHelpers:
    """Helpers that work when the test tells them to, and refuse work while they are ``full``."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], Any]] = []
        self.full = False

    def start(self, work: Callable[[], Any]) -> Any:
        if self.full:
            return None
        self.waiting.append(work)
        return Future()

    def run(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


class OneSigner:
    """A key store with one signer, which counts how often it is asked and told to forget."""

    def __init__(self, signer: Any) -> None:
        self.one = signer
        self.asked = 0
        self.forgotten: list[str] = []
        self.made = 1
        self.failure: MintError | None = None

    def signer(self, role: Role, context: RequestContext) -> Any:  # noqa: ARG002 - the port's signature
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return self.one

    def key_version(self, role: Role) -> Hashable:  # noqa: ARG002 - the port's signature
        return self.made

    def forget(self, role: Role) -> None:
        self.forgotten.append(role)
