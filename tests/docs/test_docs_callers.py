"""The workflow examples of `docs/callers.md` are workflows: linted, and true to the action and the command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from fullsend.cli.root import cli
from mintcore.policy.levels import two_levels
from mintcore.policy.roles import BUILT_IN
from tests.docs.actionlint import ACTIONLINT, NO_ACTIONLINT, findings
from tests.docs.placeholders import COMMIT, UNREVIEWED, with_a_commit

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "callers.md").read_text(encoding="utf-8")
ACTION = yaml.safe_load((ROOT / ".github/actions/mint-token/action.yml").read_text(encoding="utf-8"))
EXAMPLES = {
    re.findall(r"^name: (\w+)", text, flags=re.MULTILINE)[0]: text
    for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
}
LEVELS = ("write", "read")
ZIZMOR = str(Path(sys.executable).parent / "zizmor")


@pytest.fixture(params=sorted(EXAMPLES))
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Write one example where a workflow lives."""
    path = tmp_path / ".github" / "workflows" / f"{request.param}.yml"
    path.parent.mkdir(parents=True)
    path.write_text(with_a_commit(EXAMPLES[request.param]), encoding="utf-8")
    return path


def test_there_is_an_example_per_use() -> None:
    assert set(EXAMPLES) == {"triage", "report", "script", "review", "host", "caller", "own"}


def zizmor(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ZIZMOR, "--offline", "--no-progress", "--no-config", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_zizmor_finds_nothing_in_an_example(example: Path) -> None:
    done = zizmor(example)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_document_pins_the_action_to_a_commit_or_tag_that_does_not_exist() -> None:
    """There is no release yet, so each use is the placeholder, with the comment that tells what to replace."""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.yml")]:
        for use in re.findall(r"actions/mint-token@(.*)", page.read_text(encoding="utf-8")):
            assert use == f"{COMMIT} {UNREVIEWED}", page


def test_zizmor_would_find_an_action_that_is_not_pinned(example: Path) -> None:
    example.write_text(
        re.sub(r"(?m)^    steps:", "    steps:\n      - uses: someone/thing@main", EXAMPLES["triage"])
    )
    assert zizmor(example).returncode != 0


@pytest.mark.skipif(ACTIONLINT is None, reason=NO_ACTIONLINT)
def test_actionlint_finds_nothing_in_an_example(example: Path) -> None:
    assert findings([example]) == ""


def test_an_example_gives_the_action_only_inputs_it_has_and_all_it_needs() -> None:
    required = {name for name, given in ACTION["inputs"].items() if given["required"]}
    for text in EXAMPLES.values():
        for job in yaml.safe_load(text)["jobs"].values():
            for step in job.get("steps", []):
                if "mint-token@" in step.get("uses", ""):
                    assert required <= set(step["with"]) <= set(ACTION["inputs"])


def test_every_job_of_an_example_may_ask_for_its_oidc_token() -> None:
    for text in EXAMPLES.values():
        for job in yaml.safe_load(text)["jobs"].values():
            assert job["permissions"]["id-token"] == "write"


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_the_page_lists_what_the_action_takes_and_gives(kind: str) -> None:
    listed = set(re.findall(r"^\| `([\w-]+)` \|", PAGE, flags=re.MULTILINE))
    assert set(ACTION[kind]) <= listed
    assert listed == set(ACTION["inputs"]) | set(ACTION["outputs"])


def test_the_page_lists_what_each_role_may_do_per_level() -> None:
    rows = re.findall(r"^\| (\w+) \| ([a-z_: ]+) \| ([a-z_: ]+) \|$", PAGE, flags=re.MULTILINE)
    shown = {(role, level): text for role, *texts in rows for level, text in zip(LEVELS, texts, strict=True)}
    served = {
        (role, level): " ".join(f"{name}:{access}" for name, access in two_levels(permissions)[level].items())
        for role, permissions in BUILT_IN.items()
        for level in LEVELS
    }
    assert shown == served


def test_an_example_names_the_calling_repository() -> None:
    assert "github.event.repository" not in PAGE


def test_shell_completion_works_as_the_page_says() -> None:
    for shell, environment in re.findall(r"_FULLSEND_COMPLETE=((\w+)_source) fullsend", PAGE):
        del environment
        done = subprocess.run(
            [Path(sys.executable).parent / "fullsend"],
            env={"_FULLSEND_COMPLETE": shell, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, "_FULLSEND_COMPLETE" in done.stdout) == (0, True), done.stderr


def test_every_option_on_the_page_is_one_the_commands_have() -> None:
    known = set()
    for command in (
        ["mint", "token"],
        ["mint", "exec"],
        ["mint", "revoke"],
        ["mint", "status"],
        ["run-token"],
        ["github", "grant"],
    ):
        known |= set(re.findall(r"--[\w-]+", CliRunner().invoke(cli, [*command, "--help"]).output))
    foreign = {"--repo", "--body", "--jq", "--add-label"}  # gh's
    used = set(re.findall(r"(?<![\w-])--[a-z][\w-]+", PAGE))
    assert used - foreign <= known
