"""Run the standalone mint's demo: the complete example of its guide, with all its services on loopback.

It sets up the Apps and the mint's environment, and has the expected answers. It prints nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from tempfile import TemporaryDirectory

from fullsend_sandbox import names
from fullsend_sandbox.demo import FORBIDDEN, OK, UNAUTHORIZED, Step
from fullsend_sandbox.process import MintProcess
from fullsend_sandbox.world import World

SCANNER = {"contents": "read", "security_events": "write", "metadata": "read"}
TRIAGE = {"contents": "read", "issues": "write", "metadata": "read"}

STEPS = (
    Step(
        "scanner, a custom role with its own App",
        lambda actor: actor.mint(actor.oidc_token(actor.world.job()), "scanner"),
        OK,
    ),
    Step(
        "triage, a built-in role with its own App",
        lambda actor: actor.mint(actor.oidc_token(actor.world.job()), "triage"),
        OK,
    ),
    Step(
        "the triage token reads octo-org/app",
        lambda actor: actor.github("GET", "/repos/octo-org/app/contents/README.md", "README.md was read."),
        OK,
    ),
    Step(
        "coder, which the fallback mint serves",
        lambda actor: actor.mint(actor.oidc_token(actor.world.job()), "coder"),
        OK,
    ),
    Step(
        "deployer, an unknown role: the fallback's answer",
        lambda actor: actor.mint(actor.oidc_token(actor.world.job()), "deployer"),
        FORBIDDEN,
        "role_not_allowed",
    ),
    Step(
        "a forged OIDC token for scanner",
        lambda actor: actor.mint(actor.world.issuer.forged_token(actor.world.job()), "scanner"),
        UNAUTHORIZED,
        "invalid_token",
    ),
    Step(
        "a job of an org that is not allowed",
        lambda actor: actor.mint(actor.token_of_another_org(), "scanner"),
        FORBIDDEN,
        "org_not_allowed",
    ),
)


@contextmanager
def two_mints(world: World, source: Path) -> Iterator[MintProcess]:
    """Run a hosted mint and, in front of it, a standalone one with two Apps of its own; yield the latter.

    Raises MintDidNotStartError. The keys are in a directory that is removed at the end.
    """
    with (
        TemporaryDirectory(prefix="fullsend-pems-") as folder,
        MintProcess(world.mint_environment(), source=source) as hosted,
        MintProcess(
            environment(world, Path(folder), fallback_url=hosted.url), source=source, command=("fullsend-mint",)
        ) as standalone,
    ):
        yield standalone


def environment(world: World, pem_dir: Path, *, fallback_url: str) -> dict[str, str]:
    """Create the example's Apps, put their keys into `pem_dir`, and return the example's environment."""
    app_ids = {}
    for role, permissions in (("triage", TRIAGE), ("scanner", SCANNER)):
        app = world.github.create_app(f"myorg-{role}", permissions)
        world.github.install_app(app, names.ORG)
        path = pem_dir / f"{role}.pem"
        path.touch(mode=0o600)
        path.write_bytes(app.private_key_pem)
        app_ids[role] = str(app.id)
    return {
        "ALLOWED_ORGS": names.ORG,
        "ROLE_APP_IDS": dumps(app_ids),
        "OIDC_AUDIENCE": names.AUDIENCE,
        "PEM_DIR": str(pem_dir),
        "ALLOWED_WORKFLOW_FILES": "*",
        "FALLBACK_MINT_URL": fallback_url,
        "CUSTOM_ROLE_PERMISSIONS": dumps({"scanner": SCANNER}),
        "OIDC_ISSUER_URL": world.issuer.url,
        "GITHUB_API_URL": world.github.api_url,
    }
