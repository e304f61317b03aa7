"""Create the parts of one control plane and connect them."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from fullsend_sandbox.google.accounts import ServiceAccounts
from fullsend_sandbox.google.background import Background
from fullsend_sandbox.google.build_accounts import BuildAccounts
from fullsend_sandbox.google.builds import Builds
from fullsend_sandbox.google.calls import Endpoints
from fullsend_sandbox.google.catalog import Catalog
from fullsend_sandbox.google.deployments import Deployments
from fullsend_sandbox.google.functions import Functions
from fullsend_sandbox.google.kms import KeyRings
from fullsend_sandbox.google.kms_import import ImportJobs
from fullsend_sandbox.google.knative import Knative
from fullsend_sandbox.google.log_entries import LogEntries
from fullsend_sandbox.google.observability import AlertPolicies, Metrics
from fullsend_sandbox.google.operations import Operations
from fullsend_sandbox.google.policies import Policies
from fullsend_sandbox.google.pools import Pools
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.projects import Projects
from fullsend_sandbox.google.providers import Providers
from fullsend_sandbox.google.run import CloudRun
from fullsend_sandbox.google.runner import Runner
from fullsend_sandbox.google.secrets import Secrets
from fullsend_sandbox.google.service_writes import ServiceWrites
from fullsend_sandbox.google.services import Services
from fullsend_sandbox.google.switches import ACT_AS, Switches
from fullsend_sandbox.google.uploads import Uploads
from fullsend_sandbox.world import World

VERSIONS: Mapping[str, tuple[str, ...]] = {
    "cloudbuild": ("v1",),
    "cloudfunctions": ("v2", "v1"),
    "cloudkms": ("v1",),
    "cloudresourcemanager": ("v1", "v3"),
    "iam": ("v1",),
    "logging": ("v2",),
    "monitoring": ("v3",),
    "run": ("v2", "v1"),
    "secretmanager": ("v1",),
    "serviceusage": ("v1",),
}
"""The APIs that are answered, by the first label of their host names."""


@dataclass(frozen=True)
class Parts:
    """State, and what each API answers."""

    lock: threading.RLock
    operations: Operations
    accounts: ServiceAccounts
    background: Background
    builds: Builds
    build_accounts: BuildAccounts
    deployments: Deployments
    metrics: Metrics
    of_project: Policies
    endpoints: Mapping[str, Endpoints]
    """By API."""

    def methods(self) -> set[str]:
        """Return the ids of all methods that are answered."""
        return {f"{api}.{name.rpartition('/')[2]}" for api, answered in self.endpoints.items() for name in answered}

    def permissions(self) -> set[str]:
        """Return every permission that a method asks for."""
        asked = {e.permission for answered in self.endpoints.values() for e in answered.values()}
        return {permission for permission in asked if permission} | {ACT_AS}

    @classmethod
    def build(cls, world: World, project: Project, switches: Switches, uploads: Uploads, runner: Runner) -> Self:
        """Make the parts of a control plane that shares the world's secrets, pools and providers."""
        lock, operations = threading.RLock(), Operations(project.clock)
        accounts, background, builds = ServiceAccounts(project), Background(), Builds()
        pools = Pools(project, world.federation, operations)
        providers = Providers(project, world.federation, pools, operations, world.issuer.url)

        def policies(*, public: bool = True) -> Policies:
            made = Policies(knows_account=accounts.is_visible, knows_pool=pools.exists, public=public)
            accounts.on_delete.append(made.retire)
            return made

        of_services, of_secrets, of_keys = policies(), policies(), policies(public=False)
        rings = KeyRings(project, world.kms, of_keys, accounts)
        of_keys.on_change.append(rings.policy_changed)
        jobs = ImportJobs(project, rings, make_key=world.wrapping_key)
        of_project = policies(public=False)
        # What a project has where no organization policy turns the default grants off; builds run as this account.
        of_project.start_with("project", "roles/editor", f"serviceAccount:{project.default_account}")
        build_accounts = BuildAccounts(project, of_project)
        secrets = Secrets(project, world.secret_manager, of_secrets, accounts)
        of_secrets.on_change.append(secrets.policy_changed)
        deployments = Deployments(
            project, lock=lock, builds=builds, runner=runner, policies=of_services, background=background
        )
        functions = Functions(
            project,
            uploads=uploads,
            builds=builds,
            build_accounts=build_accounts,
            deployments=deployments,
            operations=operations,
            accounts=accounts,
            switches=switches,
            lock=lock,
        )
        writes = ServiceWrites(project, deployments, accounts=accounts, switches=switches, lock=lock)
        run = CloudRun(project, deployments, operations=operations, policies=of_services, writes=writes)
        knative = Knative(project, deployments, operations, writes)
        catalog, metrics = Catalog(project), Metrics(project)
        endpoints = {
            "cloudbuild": catalog.builds(),
            "cloudfunctions": {**functions.endpoints(), **catalog.functions()},
            "cloudkms": {**rings.endpoints(), **jobs.endpoints()},
            "cloudresourcemanager": Projects(project, of_project, operations).endpoints(),
            "iam": {**accounts.endpoints(), **pools.endpoints(), **providers.endpoints()},
            "logging": {**metrics.endpoints(), **LogEntries(project, deployments).endpoints()},
            "monitoring": AlertPolicies(project, metrics).endpoints(),
            "run": {**run.endpoints(), **knative.endpoints()},
            "secretmanager": secrets.endpoints(),
            "serviceusage": Services(project, switches, operations).endpoints(),
        }
        return cls(
            lock,
            operations,
            accounts,
            background,
            builds,
            build_accounts,
            deployments,
            metrics,
            of_project,
            endpoints,
        )
