"""The places where `create-app` can store a new App's key: a file, a secret, or Cloud KMS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fullsend.cli.mint.operator_options import check_with_github
from fullsend.cli.mint.role_keys import proof, with_kms
from fullsend.cli.output import BadUsage, CommandError, note, progress
from fullsend.cli.plan_output import run_plan
from fullsend.failure import BadInput
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model import environment, names
from fullsend.operate.model.kms_names import key_id
from fullsend.operate.model.names import secret_id
from fullsend.operate.plan.deployment import is_new
from fullsend.operate.plan.deployment_spec import RoleKey
from fullsend.operate.plan.new_app_keys import keeping_steps, preparing_steps, refuse_served
from fullsend.operate.plan.role_changes import add_role
from fullsend.private_file import require_writable, write_private

if TYPE_CHECKING:
    from fullsend.github.app_creation import ExistingApp
    from fullsend.github.app_manifest import CreatedApp, NewApp
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.mint_state import MintState
    from mintcore.secret import Secret


class KeyPlace(Protocol):
    """A place for keys. `prepare` runs before the App exists, `finish` after it is installed."""

    def shown(self, app: NewApp) -> str:
        """Return the place of the App's key, as messages show it."""

    def prepare(self, app: NewApp) -> None:
        """Prepare the place before GitHub makes the key. Raises Failure."""

    def keep(self, app: NewApp, created: CreatedApp) -> None:
        """Store the key. Raises Failure."""

    def recovery(self, app: NewApp, app_id: str, file: str) -> str:
        """Return the command that stores the App's key from a file."""

    def finish(self, app: NewApp, created: CreatedApp) -> None:
        """Make a running mint serve the role with the App. Raises Failure."""

    def resume(self, app: NewApp, found: ExistingApp) -> None:
        """Continue with an App that exists already. Raises Failure."""


class KeyFiles:
    """One file per role, of mode 0600."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def shown(self, app: NewApp) -> str:
        """Return the place of the App's key, as messages show it."""
        return str(self._file(app))

    def prepare(self, app: NewApp) -> None:
        """Make the folder and try to write there: GitHub gives the key once.

        Raises BadInput, also for a file that exists: it may hold the only copy of another key.
        """
        file = self._file(app)
        require_writable(file)
        if file.exists():
            raise BadInput(
                f"{file} exists already; it may hold another App's key.", "Move it, or choose another path: --to"
            )

    def keep(self, app: NewApp, created: CreatedApp) -> None:
        """Write the file."""
        write_private(self._file(app), created.key.reveal())

    def recovery(self, app: NewApp, app_id: str, file: str) -> str:  # noqa: ARG002 - the protocol's
        """Return the command that puts the file in place."""
        return f"mv {file} {self._file(app)}"

    def finish(self, app: NewApp, created: CreatedApp) -> None:
        """Do nothing: the mint reads the file when it needs the key."""

    def resume(self, app: NewApp, found: ExistingApp) -> None:
        """Do nothing: the operator has the file, if it exists."""

    def _file(self, app: NewApp) -> Path:
        return Path(self._pattern.replace("{role}", app.role))


class GoogleKeys:
    """The secret of each role, or its key in Cloud KMS; a mint that runs there gets the role."""

    def __init__(self, cloud: Cloud, *, kms: bool, custom: str = "") -> None:
        self._cloud = cloud
        self._kms = kms
        self._custom = custom
        self._no_mint = False

    def shown(self, app: NewApp) -> str:
        """Return the place of the App's key, as messages show it."""
        role = names.role(app.role)
        place = f"the Cloud KMS key {key_id(role)}" if self._kms else f"the secret {secret_id(role)}"
        return f"{place} of {self._cloud.location.project}"

    def prepare(self, app: NewApp) -> None:
        """Make the secret or the key without a version, and let a running mint use it."""
        state = self._read(app)
        role = self._role(state, app)
        refuse_served(state, role.role)
        steps = preparing_steps(state, role.role, role.in_kms)
        run_plan(steps, self._cloud, dry_run=False, otherwise=f"{self.shown(app)} is ready.")

    def keep(self, app: NewApp, created: CreatedApp) -> None:
        """Store the key as the newest version."""
        state = self._read(app)
        role = self._role(state, app, created.app_id, created.key, f"the App {created.slug}")
        run_plan(keeping_steps(state, role), self._cloud, dry_run=False)

    def recovery(self, app: NewApp, app_id: str, file: str) -> str:
        """Return the command that stores the App's key from a file."""
        where = f"{self._cloud.location.flags()}{' --kms' if self._kms else ''}"
        if self._no_mint:  # not read again: Google may be the service that just failed
            return f"fullsend mint deploy --role {app.role}={app_id}:{file} {where}"
        permissions = "".join(f" --permission {pair}" for pair in self._custom.split())
        return f"fullsend mint add-role {app.role} --app-id {app_id} --pem {file} {where}{permissions}"

    def finish(self, app: NewApp, created: CreatedApp) -> None:
        """Add the role to a running mint; without one, name the command that deploys it."""
        self._serve(app, created.app_id, created.key)

    def resume(self, app: NewApp, found: ExistingApp) -> None:
        """Add the role with the key that is stored, if it is the App's. Raises CommandError if no key is stored."""
        state = self._read(app)
        if environment.app_ids(state.environment).get(app.role) == found.app_id:
            note(f"The mint serves the role {app.role} with this key.")
            return
        refuse_served(state, names.role(app.role))
        role = self._role(state, app)
        secret = state.secrets.get(role.role)
        latest = secret.latest if secret is not None else None
        if not (role.in_kms.usable if role.in_kms else latest is not None and latest.state == "ENABLED"):
            raise CommandError(
                f"The key of the App is not in {self.shown(app)}.",
                f"Generate a private key on {found.page} and run: {self.recovery(app, found.app_id, 'FILE.pem')}",
            )
        self._serve(app, found.app_id, None)

    def _serve(self, app: NewApp, app_id: str, key: Secret | None) -> None:
        state = self._read(app)
        role = self._role(state, app, app_id)
        check_with_github(role, key or proof(self._cloud, role, state.environment), state.environment)
        if is_new(state):
            kms = " --kms" if self._kms else ""
            note(
                f"To deploy a mint with this key: fullsend mint deploy --role {app.role}={app_id}{kms} "
                f"{self._cloud.location.flags()} --org {app.org} --workflow-files {app.role}.yml"
            )
            return
        run_plan(add_role(state, role), self._cloud, dry_run=False)
        note(f"The mint serves the role {app.role}.")

    def _read(self, app: NewApp) -> MintState:
        with progress(f"reading the project {self._cloud.location.project}"):
            state = read_state(self._cloud, [names.role(app.role)])
        self._no_mint = is_new(state)
        return state

    def _role(
        self, state: MintState, app: NewApp, app_id: str = "", key: Secret | None = None, file: str = ""
    ) -> RoleKey:
        role = RoleKey(names.role(app.role), app_id, file, key, permissions=self._custom)
        return with_kms(self._cloud, state, role) if self._kms else role


def file_place(target: str) -> KeyFiles:
    """Return the files that `--to file:PATH` names. Raises BadUsage."""
    kind, _, path = target.partition(":")
    if kind != "file" or not path:
        raise BadUsage(
            f"--to {target!r} is not file:PATH, secret or kms.", "For example: --to 'file:pems/{role}.pem'"
        )
    return KeyFiles(path)
