"""Check the function and its Cloud Run service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.doctor.finding import Finding, Kind, Snapshot
from fullsend.operate.gcp.run import EVERYONE
from fullsend.operate.model import environment, names
from fullsend.operate.model.kms_names import KMS_API
from fullsend.operate.model.mint_state import MINT_APIS
from fullsend.operate.model.names import FUNCTION
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.build_account import BUILDER, grant_builder

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_THREADS = 80
"""The threads that a mint starts if THREADS is not set."""


def apis(snapshot: Snapshot) -> Iterator[Finding]:
    """Find APIs that the mint needs and the project has not enabled."""
    needed = (*MINT_APIS, *([KMS_API] if snapshot.kms else []))
    disabled = [api for api in needed if api not in snapshot.state.apis]
    if disabled:
        project = snapshot.state.location.project
        fix = f"gcloud services enable {' '.join(disabled)} --project {project}"
        yield Finding("api_disabled", f"The project has not enabled {', '.join(disabled)}.", fix)


def function(snapshot: Snapshot) -> Iterator[Finding]:
    """Find a function that is missing, failed to deploy, or does not answer."""
    state = snapshot.state
    status = str((state.function or {}).get("state", "missing"))
    if status != "ACTIVE":
        messages = "; ".join(str(one.get("message", "")) for one in (state.function or {}).get("stateMessages", ()))
        what = f"The function {FUNCTION} is {status}" + (f": {messages}" if messages else "") + "."
        yield Finding("function_not_active", what, snapshot.command("deploy"))
    if not state.account:
        what = f"The service account {state.location.service_account} does not exist."
        yield Finding("service_account_missing", what, snapshot.command("deploy"))
    if EVERYONE not in state.invokers:
        what = (
            "allUsers may not call the Cloud Run service, so callers get 403 from Google and never reach the mint."
        )
        yield Finding("not_public_invoker", what, snapshot.command("deploy"))
    if snapshot.health is not None and not snapshot.health.refuses:
        what = f"The mint at {state.url} does not refuse a request without a token: {snapshot.health.details}."
        yield Finding("not_answering", what, state.location.read_log())


def traffic(snapshot: Snapshot) -> Iterator[Finding]:
    """Find traffic that does not go to the newest revision, and a newest revision that does not start."""
    service = snapshot.state.service
    if service is None or service.reconciling:
        return
    location = f"--project {snapshot.state.location.project} --region {snapshot.state.location.region}"
    if service.latest_created != service.latest_ready:
        what = (
            f"The newest revision {service.latest_created} does not start: {service.failure or 'no reason given'}"
        )
        yield Finding("revision_failed", what, snapshot.state.location.read_log())
    old = [f"{name} ({percent} %)" for name, percent in service.traffic if name != service.latest_ready]
    if old or not service.follows_latest:
        what = (
            f"Traffic is pinned to {', '.join(old) or service.serving}; the newest ready revision is "
            f"{service.latest_ready}."
        )
        fix = f"gcloud run services update-traffic {FUNCTION} --to-latest {location}"
        yield Finding("traffic_on_old_revision", what, fix)


def builder(snapshot: Snapshot) -> Iterator[Finding]:
    """Check that Cloud Build's account can build the function's source."""
    if not snapshot.builder.may_build:
        yield Finding(
            "builder_without_role",
            f"Cloud Build's account {snapshot.builder.email} lacks {BUILDER}: the next deployment cannot be built.",
            grant_builder(snapshot.state.location.project, snapshot.builder.email),
        )


def threads(snapshot: Snapshot) -> Iterator[Finding]:
    """Find instances that get more parallel requests than they have threads."""
    service = snapshot.state.service
    if service is None:
        return
    text = snapshot.environment.get("THREADS", "").strip()
    count = int(text) if text.isascii() and text.isdigit() else DEFAULT_THREADS
    if count < service.concurrency:
        what = (
            f"THREADS is {text or f'not set (so {count})'}, but Cloud Run sends an instance {service.concurrency} "
            "parallel requests: the rest wait in the instance."
        )
        fix = snapshot.command(f"deploy --env THREADS={service.concurrency}")
        yield Finding("threads_below_concurrency", what, fix)


def source(snapshot: Snapshot) -> Iterator[Finding]:
    """Find a running source that differs from this command's source."""
    running = snapshot.state.source_hash
    if not snapshot.bundle_hash:
        what = "The mint's source was not checked, because this command was installed without a source."
        fix = snapshot.command("doctor --source CHECKOUT")
        yield Finding("source_not_checked", what, fix, Kind.UNCHECKED)
    elif running != snapshot.bundle_hash:
        what = (
            f"The mint runs the source {running[:12] or '(unknown: deployed by other means)'}; this command "
            f"came with {snapshot.bundle_hash[:12]}."
        )
        yield Finding("source_drift", what, snapshot.command("deploy"))


def variables(snapshot: Snapshot) -> Iterator[Finding]:
    """Find variables that would stop the mint, or contradict the mode or the project."""
    try:
        environment.check(snapshot.environment)
    except BadInput as error:
        fix = snapshot.command("deploy --env NAME=VALUE")
        fix += "\nIf that command refuses the name, correct it on the Cloud Run service's page."
        yield Finding("environment_invalid", error.message, fix)
    if not snapshot.is_public() and not environment.items(snapshot.environment, "ALLOWED_WORKFLOW_FILES"):
        what = "ALLOWED_WORKFLOW_FILES is empty: the mint refuses every workflow."
        yield Finding("no_workflow_files", what, snapshot.command("deploy --workflow-files FILE.yml"))
    wanted = {
        "GCP_PROJECT_NUMBER": snapshot.state.number,
        "WIF_POOL_NAME": names.MINT_POOL,
        "WIF_PROVIDER_NAME": names.PROVIDER,
    }
    for name, value in wanted.items():
        if snapshot.environment.get(name, "") != value:
            what = f"{name} is {snapshot.environment.get(name, '')!r} and should be {value!r}."
            yield Finding("environment_mismatch", what, snapshot.command("deploy"))
    listed = environment.items(snapshot.environment, "PER_REPO_WIF_REPOS")
    if snapshot.is_public() and listed:
        what = (
            f"The mint is public and does not trust a repository's own workflows, but PER_REPO_WIF_REPOS has "
            f"{', '.join(listed)}."
        )
        fix = "\n".join(snapshot.command(f"unenroll {repo}") for repo in listed)
        yield Finding("public_with_per_repo", what, fix)
