"""Run all services that a mint needs on loopback. At first everything works; tests then break parts on purpose.

It creates organizations, repositories, Apps, their keys as secrets, and the identity pool. Each service has its own
module. The names are in `names.py`.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from json import dumps
from pathlib import Path
from time import time
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from fullsend_sandbox import names
from fullsend_sandbox.ci.systems import CISystems
from fullsend_sandbox.clock import Clock
from fullsend_sandbox.github import App, GitHubService, Installation
from fullsend_sandbox.issuer import Issuer
from fullsend_sandbox.job import Job
from fullsend_sandbox.keys import KeyPool
from fullsend_sandbox.kms import KeyManagement
from fullsend_sandbox.loopback import LoopbackService
from fullsend_sandbox.secret_manager import SecretManager
from fullsend_sandbox.sts import SecurityTokenService
from fullsend_sandbox.wif import Federation, Provider


class World:
    """Issuer, token service, Secret Manager and GitHub; a context manager.

    Each service has a clock of its own: `world.github.clock.offset = 300`. Give `keys` to share
    the RSA keys between worlds that live one after the other, and `ports` (by service name) to fix them.
    """

    issuer: Issuer
    sts: SecurityTokenService
    secret_manager: SecretManager
    kms: KeyManagement
    """Not among `services`: a mint asks it only for roles in `ROLE_KMS_KEYS`."""
    github: GitHubService
    ci: CISystems
    """Other CI systems' issuers: `world.ci.add("gitlab")`. Not among `services`."""
    federation: Federation
    apps: dict[str, App]
    """By role."""
    installations: dict[tuple[str, str], Installation]
    """By role and organization."""

    def __init__(
        self, *, clock: Clock = time, keys: KeyPool | None = None, ports: Mapping[str, int] | None = None
    ) -> None:
        self._clock = clock
        self._shared_keys = keys
        self._keys = keys
        self._ports = dict(ports or {})
        self._running = ExitStack()

    def start(self) -> Self:
        """Build everything and start it. Raises OSError when a fixed port is in use."""
        self._keys = self._shared_keys or KeyPool()
        self._build(self._keys)
        return self

    def stop(self) -> None:
        """Stop every service; may be called again."""
        self._running.close()
        if self._keys is not None and self._shared_keys is None:
            self._keys.close()

    def reset(self) -> None:
        """Create everything again: same ports, same RSA keys, same ids, no faults, no traffic.

        The services are new objects; a mint that runs meanwhile only sees its connections close.
        """
        if self._keys is None:
            raise RuntimeError("the world is not started")
        self._running.close()
        self._build(self._keys)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wrapping_key(self, bits: int) -> RSAPrivateKey:
        """Return the key with which Cloud KMS's import jobs of this size unwrap. Raises RuntimeError."""
        if self._keys is None:
            raise RuntimeError("the world is not started")
        return self._keys.wrapping_key(bits)

    def services(self) -> tuple[LoopbackService, ...]:
        """Return every service, to break or count them all."""
        return (self.issuer, self.sts, self.secret_manager, self.github)

    def outside_calls(self) -> dict[str, int]:
        """Return how many requests each service has had."""
        return {service.name: service.traffic.count() for service in self.services()}

    def _build(self, keys: KeyPool) -> None:
        keys.rewind()
        self.federation = Federation(names.PROJECT_NUMBER)
        self.issuer = Issuer(clock=self._clock, make_key=keys.next_key)
        self.ci = CISystems(self.federation, clock=self._clock, make_key=keys.next_key, ports=self._ports)
        self.sts = SecurityTokenService(self.federation, self._keys_of, clock=self._clock)
        self.secret_manager = SecretManager(names.PROJECT_NUMBER, names.PROJECT_ID, clock=self._clock)
        self.kms = KeyManagement(names.PROJECT_NUMBER, names.PROJECT_ID, clock=self._clock)
        self.github = GitHubService(clock=self._clock, make_key=keys.next_key)
        with ExitStack() as started:
            for service in self.services():
                service.start(self._ports.get(service.name, 0))
                started.callback(service.stop)
                self._ports[service.name] = service.port  # for `reset`, even if a test stops the service before
            started.callback(self.kms.start().stop)
            started.callback(self.ci.stop)
            self._furnish_github()
            self._furnish_google()
            self._running = started.pop_all()

    def _furnish_github(self) -> None:
        for owner in sorted({repository.partition("/")[0] for repository in names.REPOSITORIES}):
            self.github.create_org(owner)
        for repository in names.REPOSITORIES:
            self.github.create_repo(repository, private=repository not in names.PUBLIC_REPOSITORIES)
        self.apps = {}
        self.installations = {}
        for role, permissions in names.app_permissions().items():
            self.apps[role] = self.github.create_app(f"fullsend-{role}", permissions)
            for org in (names.ORG, names.OTHER_ORG):
                self.installations[role, org] = self.github.install_app(self.apps[role], org)

    def _furnish_google(self) -> None:
        self.federation.create_pool(names.POOL)
        self.admit_orgs(names.ORG)
        for role, app in self.apps.items():
            self.secret_manager.add_version(names.secret_name(role), app.private_key_pem)

    def _keys_of(self, issuer: str) -> Mapping[str, Any] | None:
        return self.issuer.published_keys() if issuer == self.issuer.url else self.ci.keys_of(issuer)

    def admit_orgs(self, *orgs: str) -> None:
        """Write the organizations' provider so that its condition admits these; none admits every one."""
        if len(orgs) == 1:
            condition = f"assertion.repository_owner == '{orgs[0]}'"
        elif orgs:
            condition = f"assertion.repository_owner in [{', '.join(repr(org) for org in orgs)}]"
        else:
            condition = "assertion.repository_owner != ''"
        self.put_provider(names.PROVIDER, condition)

    def put_provider(self, provider_id: str, condition: str, **changes: Any) -> None:
        """Write a provider for the sandbox's issuer with the operator's mapping and audiences."""
        own = "https:" + self.federation.resource(names.POOL, provider_id)
        given = {"issuer": self.issuer.url, "allowed_audiences": (names.AUDIENCE, own)} | changes
        provider = Provider(provider_id=provider_id, attribute_condition=condition, **given)
        self.federation.put_provider(names.POOL, provider)

    def job(self, **changes: Any) -> Job:
        """Return a job that may mint; changes are `Job`'s fields.

        The ids are GitHub's of today, also for a name that was recycled, where GitHub knows the name.
        """
        job = Job(**changes)
        ids = {
            "repository_owner_id": self.github.id_of(job.owner),
            "repository_id": self.github.id_of(job.repository),
        }
        known = {name: str(found) for name, found in ids.items() if found is not None}
        return Job(**known | changes)

    def let_apps_read_variables(self) -> None:
        """Give every App, and accept everywhere, the permissions that grants are read with."""
        for role, app in self.apps.items():
            self.github.change_permissions(app, names.GRANT_PERMISSIONS | names.app_permissions()[role])
        for installation in self.installations.values():
            self.github.accept_permissions(installation)

    def mint_environment(self, **changes: str) -> dict[str, str]:
        """Return the environment of a hosted mint in this world; changes replace or add variables."""
        google = {
            "GCP_PROJECT_NUMBER": names.PROJECT_NUMBER,
            "WIF_POOL_NAME": names.POOL,
            "WIF_PROVIDER_NAME": names.PROVIDER,
            "STS_URL": self.sts.url,
            "SECRET_MANAGER_URL": self.secret_manager.url,
        }
        return self._common_environment() | google | changes

    def kms_environment(self, *roles: str) -> dict[str, str]:
        """Put the roles' App keys into KMS and return the variables that make a mint sign there."""
        versions = {role: self.kms.put(role, self.apps[role].private_key_pem) for role in roles}
        return {"KMS_URL": self.kms.url, "ROLE_KMS_KEYS": dumps(versions)}

    def protections(self) -> dict[str, str]:
        """Return the settings with which a new mint limits what a job may reach."""
        ids = {names.ORG: str(self.github.id_of(names.ORG))}
        return {
            "REPO_SCOPE": "caller",
            "ENROLLED_IDS": dumps(ids),
            "WORKFLOW_REFS": "refs/heads/main,refs/tags/*,commits",
        }

    def standalone_environment(self, pem_dir: Path, **changes: str) -> dict[str, str]:
        """Write each App's key into `pem_dir` and return the environment of a standalone mint."""
        for role, app in self.apps.items():
            path = pem_dir / f"{role}.pem"
            path.touch(mode=0o600)
            path.write_bytes(app.private_key_pem)
        return self._common_environment() | {"PEM_DIR": str(pem_dir)} | changes

    def _common_environment(self) -> dict[str, str]:
        return {
            "ALLOWED_ORGS": names.ORG,
            "ROLE_APP_IDS": dumps({role: str(app.id) for role, app in self.apps.items()}),
            "ALLOWED_WORKFLOW_FILES": names.WORKFLOW_FILES,
            "OIDC_ISSUER_URL": self.issuer.url,
            "GITHUB_API_URL": self.github.api_url,
        }
