"""A deployed mint and the parts it is made of, as the tests of plans describe them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fullsend.operate.gcp.run import EVERYONE
from fullsend.operate.model import names
from fullsend.operate.model.cloud_run_service import Service
from fullsend.operate.model.environment import SOURCE_HASH
from fullsend.operate.model.federation import Pool, Provider, mint_provider
from fullsend.operate.model.mint_state import MINT_APIS, MintState, SecretState, Version
from fullsend.operate.plan.bundle import Bundle
from fullsend.operate.plan.deployment_spec import DeploymentSpec, RoleKey
from mintcore.policy.names import Org, Role
from mintcore.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.plan.steps.step import Step


PLACE = names.MintLocation("my-project")
BUNDLE = Bundle(b"zip", "a" * 64, "1.0.0")
TRIAGE = RoleKey(Role("triage"), "7", "triage.pem", Secret("key"))
WANTED = DeploymentSpec(orgs=(Org("my-org"),), roles=(TRIAGE,), workflow_files=("triage.yml",))
ENVIRONMENT = {
    "ALLOWED_ORGS": "my-org",
    "ALLOWED_WORKFLOW_FILES": "triage.yml",
    "GCP_PROJECT_NUMBER": "42",
    "OIDC_AUDIENCE": "fullsend-mint",
    "ROLE_APP_IDS": '{"triage": "7"}',
    "THREADS": "80",
    "MALLOC_ARENA_MAX": "1",
    "WIF_POOL_NAME": "fullsend-pool",
    "WIF_PROVIDER_NAME": "github-oidc",
    SOURCE_HASH: BUNDLE.sha256,
}


def service(environment: Mapping[str, str] = ENVIRONMENT, **changes: Any) -> Service:
    variables = [{"name": name, "value": value} for name, value in environment.items()]
    raw = {
        "etag": "e1",
        "template": {
            "containers": [{"image": "new", "env": variables, "resources": {"startupCpuBoost": True}}],
            "revision": "r2",
        },
        "traffic": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}],
        "trafficStatuses": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "revision": "r2", "percent": 100}],
        "latestCreatedRevision": "x/r2",
        "latestReadyRevision": "x/r2",
    }
    return Service({**raw, **changes})


def running(environment: Mapping[str, str] = ENVIRONMENT, **changes: Any) -> MintState:
    spec = mint_provider("42", "github-oidc", "assertion.repository_owner == 'my-org'", environment)
    state = MintState(
        location=PLACE,
        number="42",
        apis=frozenset(MINT_APIS),
        account=True,
        pool=Pool(),
        providers={"github-oidc": Provider(spec)},
        secrets={
            Role("triage"): SecretState(
                (Version(1, "ENABLED"),), frozenset({f"serviceAccount:{PLACE.service_account}"})
            )
        },
        function={"state": "ACTIVE"},
        service=service(environment),
        invokers=frozenset({EVERYONE}),
    )
    return replace(state, **changes)


def kinds(steps: list[Step]) -> list[str]:
    return [type(step).__name__ for step in steps]
