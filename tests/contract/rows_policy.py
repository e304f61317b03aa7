"""Rows of genuine tokens that policy denies. None of them may cost a call to STS or GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.table import NOTHING, Row, Sent, as_job

if TYPE_CHECKING:
    from fullsend_sandbox.world import World

PUBLIC = {"ALLOWED_ORGS": "*"}
_HERE = "octo-org/.fullsend/.github/workflows"


def _workflow(name: str, workflow: str, says: str = "", **more: Any) -> Row:
    return Row(
        name,
        as_job(workflow=workflow),
        403,
        "workflow_not_allowed",
        calls=NOTHING,
        says=(says,) if says else (),
        **more,
    )


def _raw_workflow(name: str, workflow: str) -> Row:
    """Return a token with a job_workflow_ref that no job of the sandbox gets."""

    def send(world: World) -> Sent:
        return Sent(world.issuer.token(world.job(), job_workflow_ref=workflow))

    return Row(name, send, 403, "workflow_not_allowed", calls=NOTHING)


ROWS = (
    Row(
        "org that is not listed",
        as_job(
            repository="other-org/app", workflow="fullsend-ai/fullsend/.github/workflows/triage.yml@refs/heads/main"
        ),
        403,
        "org_not_allowed",
        calls=NOTHING,
        says=("other-org", "operator"),
    ),
    Row("no org is listed", as_job(), 403, "org_not_allowed", environment={"ALLOWED_ORGS": ""}, calls=NOTHING),
    Row(
        "org and workflow both wrong: the org is named",
        as_job(repository="other-org/app", workflow="evil/evil/.github/workflows/x.yml@refs/heads/main"),
        403,
        "org_not_allowed",
        calls=NOTHING,
    ),
    _workflow(
        "workflow of the calling repository",
        "octo-org/app/.github/workflows/triage.yml@refs/heads/main",
        "octo-org/app",
    ),
    _workflow(
        "workflow of another org's config repository",
        "other-org/.fullsend/.github/workflows/triage.yml@refs/heads/main",
    ),
    _workflow(
        "config repository's name as a prefix",
        "octo-org/.fullsend-evil/.github/workflows/triage.yml@refs/heads/main",
    ),
    _workflow(
        "host repository's owner as a prefix",
        "fullsend-ai-evil/fullsend/.github/workflows/triage.yml@refs/heads/main",
    ),
    _workflow("file that is not listed", f"{_HERE}/evil.yml@refs/heads/main", "evil.yml"),
    _workflow("file whose end is listed", f"{_HERE}/not-triage.yml@refs/heads/main"),
    _workflow("file with the other ending", f"{_HERE}/triage.yaml@refs/heads/main"),
    _raw_workflow("file with an @ in its name", f"{_HERE}/triage.yml@evil.yml@refs/heads/main"),
    _raw_workflow("nested folder", f"{_HERE}/x/triage.yml@refs/heads/main"),
    _raw_workflow("folder that climbs", f"{_HERE}/../triage.yml@refs/heads/main"),
    _raw_workflow("another folder", "octo-org/.fullsend/workflows/.github/triage.yml@refs/heads/main"),
    _raw_workflow("no ref", f"{_HERE}/triage.yml"),
    _raw_workflow("empty ref", f"{_HERE}/triage.yml@"),
    _raw_workflow("a branch without refs/heads/", f"{_HERE}/triage.yml@main"),
    _raw_workflow("refs/heads/ and nothing", f"{_HERE}/triage.yml@refs/heads/"),
    _raw_workflow("refs/notes", f"{_HERE}/triage.yml@refs/notes/x"),
    _raw_workflow("pull request that is no number", f"{_HERE}/triage.yml@refs/pull/x/merge"),
    _raw_workflow("an abbreviated commit", f"{_HERE}/triage.yml@5f8c3a1"),
    _raw_workflow("41 hexadecimal digits", f"{_HERE}/triage.yml@{'a' * 41}"),
    _raw_workflow("zero-width character in the file", f"{_HERE}/tri\u200bage.yml@refs/heads/main"),
    _raw_workflow("zero-width character in the ref", f"{_HERE}/triage.yml@refs/heads/ma\u200din"),
    _raw_workflow("right-to-left mark", f"{_HERE}/triage.yml@refs/heads/\u202eniam"),
    _raw_workflow(
        "Cyrillic letter in the owner", "\u043ecto-org/.fullsend/.github/workflows/triage.yml@refs/heads/main"
    ),
    _raw_workflow("line end behind it", f"{_HERE}/triage.yml@refs/heads/main\n"),
    _workflow(
        "no file is listed",
        f"{_HERE}/triage.yml@refs/heads/main",
        "ALLOWED_WORKFLOW_FILES",
        environment={"ALLOWED_WORKFLOW_FILES": ""},
    ),
    _workflow(
        "public mode: the org's config repository", f"{_HERE}/triage.yml@refs/heads/main", environment=PUBLIC
    ),
    _workflow(
        "public mode: the calling repository, although it has its own provider",
        "octo-org/app/.github/workflows/triage.yml@refs/heads/main",
        environment={**PUBLIC, "PER_REPO_WIF_REPOS": "octo-org/app"},
    ),
    Row(
        "role that is not served",
        as_job({"role": "scanner"}),
        403,
        "role_not_allowed",
        calls=NOTHING,
        says=("coder",),
    ),
    Row(
        "role that ALLOWED_ROLES leaves out",
        as_job({"role": "review"}),
        403,
        "role_not_allowed",
        environment={"ALLOWED_ROLES": "triage,coder"},
        calls=NOTHING,
    ),
    Row(
        "fix where ALLOWED_ROLES names only coder",
        as_job({"role": "fix"}),
        403,
        "role_not_allowed",
        environment={"ALLOWED_ROLES": "coder"},
        calls=NOTHING,
    ),
)
