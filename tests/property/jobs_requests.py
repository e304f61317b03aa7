"""Environments with several issuers, their tokens and requests by chance, from few names, so that many meet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.property.jobs_oracle import Bearer

if TYPE_CHECKING:
    import random

NOW = 1_900_000_000
GITHUB = "https://hub.test"
URLS = {
    "lab": "https://lab.test",
    "lab-two": "https://lab.test/two",
    "kite": "https://agent.buildkite.test",
    "circle": "https://oidc.circleci.test/org/1",
    "k8s": "https://cluster.test",
}
KINDS = {"lab": "gitlab", "lab-two": "gitlab", "kite": "buildkite", "circle": "circleci", "k8s": "kubernetes"}
UUIDS = ("3a2f5b1c-7d4e-4f6a-9b8c-0d1e2f3a4b5c", "3a2f5b1c-7d4e-4f6a-9b8c-0d1e2f3a4b5d")
IDS = ("4711", "47110", "4712")
REFS = ("main", "main2", "rel/1", "refs/heads/main")
CIRCLE = "oidc.circleci.com/"
K8S = "kubernetes.io/"


def environment(dice: random.Random, files: dict[str, str]) -> dict[str, str]:
    """Return a mint's environment; an empty value is an unset variable. ``files`` are the key sets by issuer."""
    issuers: dict[str, dict[str, str]] = {
        name: {"kind": KINDS[name], "url": url, "jwks_file": files[name]} for name, url in URLS.items()
    }
    if dice.random() < 0.3:
        issuers[dice.choice(list(URLS))]["audience"] = "another"
    chosen = {
        "ALLOWED_ORGS": dice.choice(["acme", "acme", "ACME,globex", "*", "globex"]),
        "PER_REPO_WIF_REPOS": dice.choice(["", "", "acme/app", "Globex/Site"]),
        "ALLOWED_WORKFLOW_FILES": "*",
        "WORKFLOW_HOST_REPOS": "hosts/flows",
        "REPO_SCOPE": dice.choice(
            ["", "", "caller", "organization", '{"coder": "organization"}', '{"*": "caller"}']
        ),
        "DEFAULT_LEVEL": dice.choice(["", "", "read", "write"]),
        "REQUIRED_CLAIMS": dice.choice(["", "", "", '{"sub": ["*"]}', '{"pipeline_source": ["push", "sch*"]}']),
        "ALLOWED_ROLES": dice.choice(["", "", "", "coder,triage"]),
        "REPORT_ONLY": dice.choice(["", "", "", "claims", "repo_scope,ids,workflow_refs,claims"]),
        "ROLE_APP_IDS": '{"coder": "1", "triage": "2"}',
        "OIDC_ISSUER_URL": GITHUB,
        "ISSUERS": json.dumps(issuers),
        "CALLERS": json.dumps([entry(dice) for _ in range(dice.choice([1, 3, 5, 8, 8]))]),
        "PEM_DIR": "./pems",
    }
    chosen["REQUIRED_CLAIMS"] = chosen["REQUIRED_CLAIMS"].replace('"*"', '"o*", "p*", "s*"')
    return {name: value for name, value in chosen.items() if value}


def entry(dice: random.Random) -> dict[str, Any]:
    issuer = dice.choice([*URLS, "lab", "k8s"])
    level = dice.choice([None, None, "read", "write"])
    given = {
        "issuer": issuer,
        "match": match(dice, KINDS[issuer]),
        "as": dice.choice(["acme/app", "acme/app", "Acme/Lib", "acme/.fullsend", "globex/site"]),
        "roles": dice.sample(["coder", "triage", "fix"], dice.choice([1, 1, 2, 3])),
    }
    return given if level is None else given | {"level": level}


def match(dice: random.Random, kind: str) -> dict[str, str]:
    """Return a match that pins a project, with a few claims more."""
    if kind == "gitlab":
        pinned = dice.choice([{"project_id": "4711"}, {"project_id": "4711"}, {"namespace_id": "7"}])
        more = {
            "ref_protected": "true",
            "ref_path": dice.choice(["refs/heads/main", "refs/heads/main*", "refs/heads/*", "refs/tags/*"]),
            "project_path": dice.choice(["acme/tools/app", "acme/tools/*", "acme/*"]),
            "ref_type": "branch",
        }
    elif kind == "buildkite":
        pinned = dice.choice([{"pipeline_id": UUIDS[0]}, {"organization_slug": "acme", "pipeline_slug": "app"}])
        more = {
            "build_branch": dice.choice(["main", "main*", "rel/*"]),
            "sub": "organization:acme:pipeline:app:ref:refs/heads/*",
            "build_source": "webhook",
        }
    elif kind == "circleci":
        subject = f"org/{UUIDS[1]}/project/{UUIDS[0]}/*"
        pinned = dice.choice([{f"{CIRCLE}project-id": UUIDS[0]}, {"sub": subject}])
        more = {
            f"{CIRCLE}vcs-origin": dice.choice(["github.com/acme/app", "github.com/acme/*"]),
            f"{CIRCLE}vcs-ref": dice.choice(["refs/heads/main", "refs/heads/*"]),
            f"{CIRCLE}ssh-rerun": "false",
        }
    else:
        by = dice.choice([{f"{K8S}serviceaccount/name": "minter"}, {f"{K8S}serviceaccount/uid": UUIDS[0]}])
        pinned = {f"{K8S}namespace": "builds"} | by
        more = {f"{K8S}pod/name": dice.choice(["mint-*", "mint-1"]), "sub": "system:serviceaccount:builds:*"}
    names = dice.sample(sorted(more), dice.choice([0, 1, 1, 2, len(more)]))
    return pinned | {name: more[name] for name in names}


def claims(dice: random.Random, name: str) -> dict[str, Any]:
    """Return the claims of a job, for the most part of one that an entry lists."""
    given = {"gitlab": gitlab, "buildkite": buildkite, "circleci": circleci, "kubernetes": kubernetes}[KINDS[name]](
        dice
    )
    given |= {"iss": URLS[name], "aud": "fullsend-mint", "iat": NOW, "nbf": NOW, "exp": NOW + 300}
    return spoilt(dice, given)


def spoilt(dice: random.Random, given: dict[str, Any]) -> dict[str, Any]:
    """Spoil one in five tokens."""
    if dice.random() < 0.2:
        others = [*URLS.values(), GITHUB, "https://lab.test/", "https://evil.test"]
        given |= dice.choice(
            [
                {"aud": dice.choice(["another", "other", ["fullsend-mint"], ["fullsend-mint", "other"], []])},
                {"iss": dice.choice(others)},
                {"exp": dice.choice([NOW - 29, NOW - 30, NOW - 31, NOW])},
                {"nbf": dice.choice([NOW + 30, NOW + 31])},
                {"iat": dice.choice([NOW + 30, NOW + 31, NOW - 9000])},
            ]
        )
    if dice.random() < 0.15:
        del given[dice.choice(sorted(given))]
    return given


def gitlab(dice: random.Random) -> dict[str, Any]:
    ref, kind = dice.choice(["main"] * 5 + list(REFS)), dice.choice(["branch"] * 5 + ["tag"])
    number: Any = dice.choice(["4711"] * 6 + list(IDS))
    return {
        "project_id": int(number) if dice.random() < 0.1 else number,
        "project_path": dice.choice(
            ["acme/tools/app"] * 4 + ["acme/toolsx/app", "acme/tools/deep/app", "evil/acme"]
        ),
        "namespace_id": dice.choice(["7", "7", "8"]),
        "ref": ref,
        "ref_type": kind,
        "ref_path": f"refs/{'heads' if kind == 'branch' else 'tags'}/{ref}",
        "ref_protected": dice.choice(["true"] * 4 + [True, "false", False, "True", 1]),
        "pipeline_source": dice.choice(["push", "push", "schedule", "merge_request_event"]),
        "sub": "project_path:acme/tools/app:ref_type:branch:ref:main",
    }


def buildkite(dice: random.Random) -> dict[str, Any]:
    organization = dice.choice(["acme"] * 5 + ["acme2", "Acme"])
    pipeline, branch = dice.choice(["app"] * 5 + ["app2"]), dice.choice(["main"] * 4 + list(REFS))
    ref = dice.choice([f"refs/heads/{branch}"] * 4 + [f"refs/tags/{branch}"])
    ids = {"pipeline_id": dice.choice(UUIDS)} if dice.random() < 0.5 else {}
    return ids | {
        "organization_slug": organization,
        "pipeline_slug": pipeline,
        "build_branch": branch,
        "build_number": 7,
        "build_source": dice.choice(["webhook", "webhook", "ui"]),
        "step_key": None,
        "sub": f"organization:{organization}:pipeline:{pipeline}:ref:{ref}:commit:abc:step:",
    }


def circleci(dice: random.Random) -> dict[str, Any]:
    project = dice.choice([UUIDS[0]] * 4 + [UUIDS[1]])
    vcs = {
        f"{CIRCLE}vcs-origin": dice.choice(
            ["github.com/acme/app"] * 4 + ["github.com/acme/app2", "github.com/evil/app"]
        ),
        f"{CIRCLE}vcs-ref": dice.choice(["refs/heads/main"] * 4 + ["refs/heads/main2", "refs/tags/main"]),
    }
    return (vcs if dice.random() < 0.9 else {}) | {
        f"{CIRCLE}project-id": project,
        f"{CIRCLE}ssh-rerun": dice.choice([False, False, True]),
        f"{CIRCLE}context-ids": [UUIDS[0]],
        "sub": f"org/{UUIDS[1]}/project/{project}/user/{UUIDS[1]}",
    }


def kubernetes(dice: random.Random) -> dict[str, Any]:
    namespace, account = (
        dice.choice(["builds"] * 6 + ["builds2", "Builds"]),
        dice.choice(["minter"] * 6 + ["minter2"]),
    )
    inner: dict[str, Any] = {
        "namespace": namespace,
        "serviceaccount": {"name": account, "uid": dice.choice([UUIDS[0]] * 4 + [UUIDS[1]])},
        "pod": {"name": dice.choice(["mint-1", "mint-1", "other"]), "uid": UUIDS[1]},
    }
    given: dict[str, Any] = {"sub": f"system:serviceaccount:{namespace}:{account}", "kubernetes.io": inner}
    if dice.random() < 0.15:  # what the nested claims are called, at the top
        given |= {f"{K8S}namespace": "builds", f"{K8S}serviceaccount/name": "minter"}
    return given


def workflow(dice: random.Random) -> dict[str, Any]:
    """Return the claims of a workflow of GitHub, with claims beside them that entries match."""
    repository = dice.choice(["acme/app", "acme/lib", "globex/site"])
    owner = repository.partition("/")[0]
    home = dice.choice(["hosts/flows"] * 3 + [f"{owner}/.fullsend", repository])
    given = {
        "repository": repository,
        "repository_owner": owner,
        "job_workflow_ref": f"{home}/.github/workflows/triage.yml@refs/heads/main",
    }
    beside = dice.choice([gitlab, buildkite, circleci, kubernetes])(dice)
    times = {"iss": GITHUB, "aud": "fullsend-mint", "iat": NOW, "nbf": NOW, "exp": NOW + 300}
    return spoilt(dice, beside | given | times)


def bearer(dice: random.Random) -> Bearer:
    """Return a token, in one of six cases signed by another than its issuer."""
    name = dice.choice([*URLS, *URLS, ""])
    given = claims(dice, name) if name else workflow(dice)
    if name and dice.random() < 0.1:  # GitHub's claims in another issuer's token name no repository
        given = workflow(dice) | given
    algorithm = "ES256" if dice.random() < (0.5 if name == "k8s" else 0.05) else "RS256"
    signer = names = name
    if dice.random() < 0.17:
        signer, names = (dice.choice([*URLS, "", "stranger"]) for _ in range(2))
    return Bearer(algorithm, signer, names, given)


def body(dice: random.Random) -> dict[str, Any]:
    """Return a well-formed request."""
    asked: dict[str, Any] = {"role": dice.choice(["coder"] * 4 + ["triage", "triage", "fix"])}
    repos = dice.choice([None, [], ["app"], ["app"], ["App", ".fullsend"], ["lib"], ["site"], ["*"]])
    if repos is not None:
        asked["repos"] = repos
    if dice.random() < 0.3:
        asked["level"] = dice.choice(["read", "read", "write", "write", "full"])
    if dice.random() < 0.2:
        asked["permissions"] = {dice.choice(["contents", "issues", "secrets"]): dice.choice(["read", "write"])}
    return asked
