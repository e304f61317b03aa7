"""Rows of jobs of other CI systems: what is sent, and all of the answer that matters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fullsend_sandbox.ci import BuildkiteJob, CircleCIJob, GitLabJob, KubernetesPod
from fullsend_sandbox.keys import new_key
from fullsend_sandbox.signing import SigningKey, new_ec_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fullsend_sandbox.ci import CIJob
    from fullsend_sandbox.world import World

TRIAGE = {"role": "triage", "repos": ["app"]}
CLUSTER = "https://kubernetes.default.svc.cluster.local"
CALLERS = (
    {
        "issuer": "gitlab",
        "match": {"project_id": "4711", "ref_protected": "true", "ref": "refs/heads/main"},
        "as": "octo-org/app",
        "roles": ["triage", "coder"],
    },
    {
        "issuer": "gitlab",
        "match": {"project_id": "4711", "ref_path": "refs/heads/ci/*"},
        "as": "octo-org/docs",
        "roles": ["triage"],
        "level": "read",
    },
    {
        "issuer": "buildkite",
        "match": {
            "organization_slug": "acme-inc",
            "pipeline_slug": "app",
            "sub": "organization:acme-inc:pipeline:app:ref:refs/heads/main:*",
        },
        "as": "octo-org/app",
        "roles": ["triage"],
    },
    {
        "issuer": "circleci",
        "match": {
            "oidc.circleci.com/project-id": CircleCIJob().project_id,
            "oidc.circleci.com/vcs-origin": "github.com/acme/app",
        },
        "as": "octo-org/app",
        "roles": ["triage"],
    },
    {
        "issuer": "kubernetes",
        "match": {"kubernetes.io/namespace": "builds", "kubernetes.io/serviceaccount/name": "minter"},
        "as": "octo-org/app",
        "roles": ["triage"],
    },
    {
        "issuer": "far",
        "match": {"kubernetes.io/namespace": "builds", "kubernetes.io/serviceaccount/name": "minter"},
        "as": "octo-org/app",
        "roles": ["triage"],
    },
    {
        "issuer": "gitlab",
        "match": {"project_id": "99", "ref_protected": "true"},
        "as": "evil/app",
        "roles": ["triage"],
    },
)
KINDS = ("gitlab", "buildkite", "circleci", "kubernetes", "far")


@dataclass(frozen=True)
class JobRow:
    """``token`` makes the bearer; ``entry`` is the index of the entry that grants."""

    id: str
    token: Callable[[World], str]
    body: Any = field(default_factory=lambda: dict(TRIAGE))
    status: int = 200
    code: str = ""
    says: tuple[str, ...] = ()
    repos: tuple[str, ...] = ("octo-org/app",)
    permissions: Mapping[str, str] | None = None
    entry: int = 0


def of(name: str, job: CIJob | None = None, **claims: Any) -> Callable[[World], str]:
    return lambda world: world.ci[name].token(job, **claims)


def no(what: str, token: Callable[[World], str], code: str, *says: str, status: int = 403, **more: Any) -> JobRow:
    return JobRow(what, token, status=status, code=code, says=says, **more)


def bad(what: str, token: Callable[[World], str]) -> JobRow:
    return JobRow(what, token, status=401, code="invalid_token")


def forged(name: str) -> Callable[[World], str]:
    return lambda world: world.ci[name].forged_token()


def crossed(signer: str, claimed: str) -> Callable[[World], str]:
    """The claims of one issuer, signed by another."""
    return lambda world: world.ci[signer].sign(world.ci[claimed].claims())


def under_the_key_id(signer: Any, claimed: str) -> Callable[[World], str]:
    return lambda world: signer().sign(world.ci[claimed].claims(), next(iter(world.ci[claimed].published_keys())))


def github_signs(claimed: str) -> Callable[[World], str]:
    return lambda world: world.issuer.sign(world.ci[claimed].claims())


def signs_for_github(signer: str) -> Callable[[World], str]:
    return lambda world: world.ci[signer].sign(world.issuer.claims(world.job()))


def body(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (TRIAGE | changes).items() if value is not None}


FLOW = "octo-org/.fullsend/.github/workflows/triage.yml"
READ = {"contents": "read", "issues": "read", "metadata": "read"}
ROWS = (
    *(JobRow(f"{name}: a job of its entry", of(name), entry=index)
      for index, name in zip((0, 2, 3, 4, 5), KINDS, strict=True)),
    JobRow("no repositories: its own", of("gitlab"), body(repos=None)),
    JobRow("another role of its entry", of("gitlab"), body(role="coder")),
    JobRow("a level below", of("gitlab"), body(level="read"), permissions=READ),
    JobRow("an entry with a prefix, and its level", of("gitlab", GitLabJob(ref="ci/x", protected=False)),
           body(repos=["docs"]), repos=("octo-org/docs",), permissions=READ, entry=1),
    JobRow("without nbf", of("gitlab", None, nbf=None)),
    JobRow("the audience in a list of one", of("gitlab", None, aud=["fullsend-mint"])),
    no("a level above the entry's", of("gitlab", GitLabJob(ref="ci/x")), "permissions_not_allowed", "CALLERS[1]",
       "level read", body=body(repos=["docs"], level="write")),
    no("permissions beyond the entry's level", of("gitlab", GitLabJob(ref="ci/x")), "permissions_not_allowed",
       body=body(repos=["docs"], permissions={"issues": "write"})),
    no("a role that its entry lacks", of("buildkite"), "role_not_allowed", "CALLERS[2]", "it allows triage",
       body=body(role="coder")),
    no("a sibling repository", of("gitlab"), "scope_not_allowed", body=body(repos=["docs"])),
    no("the whole installation", of("gitlab"), "scope_not_allowed", body=body(repos=["*"])),
    no("another organization", of("gitlab"), "grants_not_enabled", body=body(target_org="other-org")),
    no("an owner that is not enrolled", of("gitlab", GitLabJob(project_id="99")), "org_not_allowed", "evil"),
    no("another project at the path", of("gitlab", GitLabJob(project_id="4712")), "claims_not_allowed",
       "project_id is '4712'"),
    no("an unprotected ref of the name", of("gitlab", GitLabJob(protected=False)), "claims_not_allowed",
       "The closest is CALLERS[0]", "ref_protected is 'false' and must be 'true'"),
    no("a tag of the name", of("gitlab", GitLabJob(ref_type="tag")), "claims_not_allowed", "ref_path"),
    no("a branch named like the whole ref", of("gitlab", GitLabJob(ref="refs/heads/main")), "claims_not_allowed"),
    no("a nested group of the name", of("gitlab", GitLabJob(project="acme/tools/app/app", project_id="8")),
       "claims_not_allowed"),
    no("a claim that is missing", of("gitlab", None, ref_protected=None), "claims_not_allowed",
       "the token has no ref_protected"),
    no("buildkite: another organization", of("buildkite", BuildkiteJob(organization="evil")), "claims_not_allowed"),
    no("buildkite: a tag of the branch's name", of("buildkite", BuildkiteJob(tag="main")), "claims_not_allowed",
       "sub"),
    no("circleci: a fork", of("circleci", CircleCIJob(vcs_origin="github.com/evil/app")), "claims_not_allowed"),
    no("circleci: a custom webhook", of("circleci", CircleCIJob(vcs_origin=None)), "claims_not_allowed"),
    no("kubernetes: another namespace", of("kubernetes", KubernetesPod(namespace="evil")), "claims_not_allowed"),
    no("kubernetes: another account", of("far", KubernetesPod(service_account="x")), "claims_not_allowed"),
    *(bad(f"{name}: forged", forged(name)) for name in KINDS),
    *(bad(f"{one} signs for {other}", crossed(one, other)) for one in KINDS for other in KINDS if one != other),
    *(bad(f"github signs for {name}", github_signs(name)) for name in KINDS),
    *(bad(f"{name} signs for github", signs_for_github(name)) for name in KINDS),
    *(bad(f"{name}: a stranger's key under its key id", under_the_key_id(lambda: SigningKey(new_key()), name))
      for name in ("gitlab", "kubernetes")),
    bad("es256 from an issuer of rs256", under_the_key_id(lambda: SigningKey(new_ec_key()), "gitlab")),
    bad("a stranger's es256 under a cluster's key id", under_the_key_id(lambda: SigningKey(new_ec_key()), "far")),
    *(bad(f"{name}: two audiences", of(name, None, aud=["fullsend-mint", "other"])) for name in KINDS),
    *(bad(f"{name}: another audience", of(name, None, aud="other")) for name in KINDS),
    *(bad(f"{name}: expired", of(name, None, exp=1, nbf=0, iat=0)) for name in KINDS),
    bad("gitlab: without its project", of("gitlab", None, project_id=None)),
    bad("buildkite: without its pipeline", of("buildkite", None, pipeline_slug=None)),
    bad("circleci: without its project", of("circleci", None, **{"oidc.circleci.com/project-id": None})),
    bad("kubernetes: without its claims", of("kubernetes", None, **{"kubernetes.io": None})),
    bad("an issuer that is not configured", of("gitlab", None, iss="https://gitlab.evil")),
    bad("the url with a slash", lambda world: world.ci["gitlab"].token(iss=world.ci["gitlab"].issuer + "/")),
    no("the claims of github beside its own", of("gitlab", None, repository="octo-org/docs",
       repository_owner="octo-org", job_workflow_ref=f"{FLOW}@refs/heads/main"),
       "scope_not_allowed", body=body(repos=["docs"])),
)  # fmt: skip
