"""`fullsend github create-app --to secret|kms`: the key goes from GitHub's answer to Google and nowhere else."""

from __future__ import annotations

import html
import json
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

import pytest
import requests

from fullsend_sandbox import names
from tests.chromium import headless

if TYPE_CHECKING:
    from fullsend_sandbox.world import World
    from tests.chromium import Browser
    from tests.integration.operate.conftest import Operator

BIN = Path(sys.executable).parent
KEY = "projects/octo-project/locations/us-central1/keyRings/fullsend-mint/cryptoKeys/fullsend-coder-app"


class Done(NamedTuple):
    status: int
    out: str
    err: str


class Flow:
    """Run the command in a separate process, with an owner that clicks on every page it opens."""

    def __init__(self, operator: Operator, *words: str) -> None:
        environment = {**operator.process_environment(), "BROWSER": "true", "TMPDIR": str(operator.folder)}
        self.process = subprocess.Popen(
            [BIN / "fullsend", "github", "create-app", "--org", names.ORG, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []

    def page(self) -> str:
        """Return the next address that the command opens."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith(("Create the App", "Install the App")):
                return line.split()[-1]
        raise AssertionError("".join(self.said))

    def create(self) -> None:
        """Confirm the App on GitHub, which redirects back with the code."""
        url = self.page()
        form = html.unescape(requests.get(url, timeout=30).text)
        action, manifest = form_field(form, 'action="([^"]+)"'), form_field(form, 'value="({.*?})">')
        confirm = requests.post(action, data={"manifest": manifest}, timeout=30)
        done = requests.post(urljoin(action, form_field(confirm.text, 'action="([^"]+)"')), timeout=30)
        assert "The App is created." in done.text

    def install(self) -> None:
        """Install the App."""
        answer = requests.post(self.page().replace("/installations/new", "/installations"), timeout=30)
        assert answer.status_code == 200, answer.text

    def end(self) -> Done:
        out, err = self.process.communicate(timeout=60)
        done = Done(self.process.returncode, out, "".join(self.said) + err)
        assert "PRIVATE KEY" not in done.out + done.err
        return done


class ClickedFlow(Flow):
    """The same, with the owner's clicks in a real browser."""

    def __init__(self, browser: Browser, operator: Operator, *words: str) -> None:
        super().__init__(operator, *words)
        self._browser = browser

    def create(self) -> None:
        self._browser.open(self.page())
        self._browser.click("#continue")
        self._browser.click("#create")
        self._browser.wait_for_title("The App is created.")

    def install(self) -> None:
        self._browser.open(self.page())
        self._browser.click("#install")


def form_field(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found.group(1)


def created(operator: Operator, *words: str) -> Done:
    flow = Flow(operator, *words)
    flow.create()
    flow.install()
    return flow.end()


def keys_on_disk(operator: Operator) -> list[Path]:
    known = {operator.pem(role) for role in operator.world.apps}
    found = [path for path in operator.folder.rglob("*") if path.is_file() and path not in known]
    return [path for path in found if b"PRIVATE KEY" in path.read_bytes()]


@pytest.mark.long
@pytest.mark.parametrize("to", ["secret", "kms"])
def test_a_running_mint_gets_the_role_of_an_app_that_is_created_in_a_browser(
    operator: Operator, tmp_path: Path, to: str
) -> None:
    operator.deploy()
    with headless(tmp_path) as browser:
        flow = ClickedFlow(browser, operator, "--role", "coder", "--to", to)
        flow.create()
        flow.install()
        done = flow.end()
    assert done.status == 0, done.err
    environment = operator.state().environment
    app_id = json.loads(done.out.removeprefix("ROLE_APP_IDS="))["coder"]
    assert json.loads(environment["ROLE_APP_IDS"])["coder"] == app_id
    assert ("ROLE_KMS_KEYS" in environment) == (to == "kms")
    assert keys_on_disk(operator) == []
    checked = operator.doctor()
    assert checked.exit_code == 0, checked.output


def test_a_running_mint_gets_the_role_with_its_key_in_a_secret(world: World, operator: Operator) -> None:
    operator.deploy()
    done = created(operator, "--role", "coder", "--to", "secret")
    assert done.status == 0, done.err
    app_id = json.loads(done.out.removeprefix("ROLE_APP_IDS="))["coder"]
    assert json.loads(operator.state().environment["ROLE_APP_IDS"])["coder"] == app_id
    [version] = world.secret_manager.versions("fullsend-coder-app-pem")
    assert version.data == world.github.find_app(app_id).private_key_pem
    assert keys_on_disk(operator) == []
    checked = operator.doctor()
    assert checked.exit_code == 0, checked.output


def test_a_running_mint_gets_the_role_with_its_key_in_cloud_kms(world: World, operator: Operator) -> None:
    operator.deploy()
    done = created(operator, "--role", "coder", "--to", "kms")
    assert done.status == 0, done.err
    assert json.loads(operator.state().environment["ROLE_KMS_KEYS"]) == {"coder": f"{KEY}/cryptoKeyVersions/1"}
    assert sorted(world.secret_manager.secrets()) == ["fullsend-triage-app-pem"]
    assert keys_on_disk(operator) == []
    checked = operator.doctor()
    assert checked.exit_code == 0, checked.output
    again = Flow(operator, "--role", "coder", "--to", "kms").end()
    assert (again.status, again.out) == (0, done.out)
    assert "The mint serves the role coder with this key." in again.err


@pytest.mark.parametrize("to", [pytest.param("secret", marks=pytest.mark.long), "kms"])
def test_before_there_is_a_mint_the_key_waits_for_the_deployment(operator: Operator, to: str) -> None:
    done = created(operator, "--role", "coder", "--to", to)
    assert done.status == 0, done.err
    app_id = json.loads(done.out.removeprefix("ROLE_APP_IDS="))["coder"]
    kms = " --kms" if to == "kms" else ""
    assert f"fullsend mint deploy --role coder={app_id}{kms} --project octo-project" in done.err
    source = ("--source", str(operator.source))
    operator.done("mint", "deploy", *source, "--role", f"coder={app_id}", *kms.split(), "--org", names.ORG,
                  "--workflow-files", "coder.yml")  # fmt: skip
    checked = operator.doctor()
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize(
    ("to", "permission"),
    [
        ("secret", "secretmanager.versions.add"),
        pytest.param("kms", "cloudkms.cryptoKeyVersions.create", marks=pytest.mark.long),
    ],
)
def test_a_key_that_google_refuses_is_kept_and_the_named_command_stores_it(
    operator: Operator, to: str, permission: str
) -> None:
    operator.deploy()
    operator.plane.deny(permission)
    flow = Flow(operator, "--role", "coder", "--to", to)
    flow.create()
    done = flow.end()
    assert done.status == 1
    [kept] = keys_on_disk(operator)
    assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(kept.parent.stat().st_mode)) == (0o600, 0o700)
    assert str(kept) in done.err
    [line] = [line for line in done.err.splitlines() if "mint add-role coder --app-id" in line]
    operator.plane.allow(permission)
    operator.done(*line.removeprefix("Fix: fullsend ").split())
    assert "coder" in json.loads(operator.state().environment["ROLE_APP_IDS"])


def test_an_app_whose_key_is_not_stored_is_said_to_have_none(world: World, operator: Operator) -> None:
    operator.deploy()
    app = world.github.create_app("octo-org-coder", {"contents": "write"}, owner=names.ORG)
    done = Flow(operator, "--role", "coder", "--to", "secret").end()
    assert done.status == 1
    assert "The key of the App is not in the secret fullsend-coder-app-pem of octo-project." in done.err
    assert f"fullsend mint add-role coder --app-id {app.id} --pem FILE.pem --project octo-project" in done.err


def test_an_app_that_was_installed_late_is_added_by_the_same_command(world: World, operator: Operator) -> None:
    operator.deploy()
    flow = Flow(operator, "--role", "coder", "--to", "secret")
    flow.create()
    flow.page()
    flow.process.terminate()
    flow.end()
    assert "coder" not in json.loads(operator.state().environment["ROLE_APP_IDS"])
    done = Flow(operator, "--role", "coder", "--to", "secret").end()
    assert done.status == 0, done.err
    assert "coder" in json.loads(operator.state().environment["ROLE_APP_IDS"])
    assert len(world.secret_manager.versions("fullsend-coder-app-pem")) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--role", "coder", "--to", "secrets"), "is not file:PATH, secret or kms"),
        (("--role", "coder", "--role", "review", "--to", "file:k.pem"), "Put {role} into the path"),
        (("--role", "coder", "--to", "kms", "--project", "NO"), "is not a project id"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(operator: Operator, words: tuple[str, ...], sentence: str) -> None:
    result = operator.run("github", "create-app", "--org", names.ORG, *words)
    assert (result.exit_code, sentence in result.output) == (2, True), result.output


def test_a_role_that_the_mint_serves_gets_no_second_app(operator: Operator) -> None:
    operator.deploy()
    writes = operator.plane.writes
    result = operator.run("github", "create-app", "--org", names.ORG, "--role", "triage", "--to", "kms")
    assert (result.exit_code, operator.plane.writes) == (2, writes)
    assert "fullsend mint rotate-key triage" in result.output


def test_a_key_file_that_exists_is_not_replaced(operator: Operator) -> None:
    target = f"file:{operator.folder}/{{role}}.pem"
    before = operator.pem("coder").read_bytes()
    result = operator.run("github", "create-app", "--org", names.ORG, "--role", "coder", "--to", target)
    assert (result.exit_code, "exists already" in result.output) == (2, True)
    assert operator.pem("coder").read_bytes() == before


def test_a_dry_run_names_the_place_and_calls_nothing(operator: Operator) -> None:
    result = operator.done(
        "github", "create-app", "--org", names.ORG, "--role", "coder", "--to", "kms", "--dry-run"
    )
    assert "would put its key into the Cloud KMS key fullsend-coder-app of octo-project" in result.output
    assert operator.plane.writes == 0


def test_the_doctor_asks_for_the_permission_to_read_grants_only_where_grants_are_on(operator: Operator) -> None:
    operator.deploy()
    assert "actions_variables" not in operator.doctor().output
    operator.done("mint", "deploy", "--source", str(operator.source), "--env", "GRANTS=1")
    said = operator.doctor()
    assert (said.exit_code, "lacks actions_variables:read" in said.output) == (3, True)
    done = created(operator, "--role", "coder", "--to", "secret", "--grants")
    assert done.status == 0, done.err
    assert "of the role coder lacks" not in operator.doctor().output
