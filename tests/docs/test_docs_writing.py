"""What people read follows docs/writing.md: none of its banned turns, and short commit-worthy docstrings."""

from __future__ import annotations

import io
import json
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from fullsend.cli.root import cli
from fullsend.client.remedies import CLIENT_TABLE
from mintcore.error_table import TABLE
from tests.docs.banned_turns import BANNED, banned_in

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.*")]
SOURCES = [
    ROOT / "main.py",
    *(
        path
        for room in ("mintcore", "fullsend", "sandbox", "bench", "scripts")
        for path in (ROOT / room).rglob("*.py")
    ),
]
# Not rewritten yet: this list only shrinks.
NOT_YET: set[str] = {
    "docs/callers.md",
    "docs/configuration.md",
    "docs/onboarding.md",
    "docs/operate.md",
    "docs/standalone.md",
    "fullsend/audit/entries.py",
    "fullsend/audit/search.py",
    "fullsend/cli/audit/find.py",
    "fullsend/cli/files.py",
    "fullsend/cli/github/set.py",
    "fullsend/cli/github/status.py",
    "fullsend/cli/inference/commands.py",
    "fullsend/cli/mint/__init__.py",
    "fullsend/cli/mint/doctor.py",
    "fullsend/cli/mint/operator_status.py",
    "fullsend/cli/mint/supervise.py",
    "fullsend/cli/output.py",
    "fullsend/cli/process.py",
    "fullsend/cli/retry_notice.py",
    "fullsend/cli/run_token_commands.py",
    "fullsend/client/ask_mints.py",
    "fullsend/client/identity.py",
    "fullsend/client/token_api.py",
    "fullsend/explain/claims_checks.py",
    "fullsend/explain/configuration.py",
    "fullsend/net/transport.py",
    "fullsend/operate/doctor/admission_checks.py",
    "fullsend/operate/doctor/check.py",
    "fullsend/operate/doctor/finding.py",
    "fullsend/operate/gcp/functions.py",
    "fullsend/operate/gcp/google_errors.py",
    "fullsend/operate/gcp/read_state.py",
    "fullsend/operate/gcp/run.py",
    "fullsend/operate/gcp/session.py",
    "fullsend/operate/model/cloud_run_service.py",
    "fullsend/operate/model/conditions.py",
    "fullsend/operate/model/environment.py",
    "fullsend/operate/model/inference_members.py",
    "fullsend/operate/model/install_review.py",
    "fullsend/operate/model/mint_state.py",
    "fullsend/operate/plan/deployment.py",
    "fullsend/operate/plan/inference_access.py",
    "fullsend/operate/plan/install_preflight.py",
    "fullsend/operate/plan/role_changes.py",
    "fullsend/operate/plan/steps/admission_steps.py",
    "fullsend/operate/plan/steps/function_steps.py",
    "fullsend/operate/plan/steps/inference_steps.py",
    "fullsend/operate/plan/steps/rendering.py",
    "mintcore/cache.py",
    "mintcore/clock.py",
    "mintcore/github/grants.py",
    "mintcore/github/refusals.py",
    "mintcore/http/endpoint.py",
    "mintcore/http/fallback.py",
    "mintcore/http/server.py",
    "mintcore/keys/secret_manager.py",
    "mintcore/outbound/connections.py",
    "mintcore/policy/decision.py",
    "mintcore/policy/roles.py",
    "mintcore/policy/spelling.py",
    "mintcore/ports.py",
    "mintcore/request.py",
    "mintcore/settings/service_variables.py",
    "mintcore/startup/assembly.py",
    "mintcore/startup/background.py",
    "mintcore/verify/chain.py",
    "mintcore/verify/jwks.py",
    "mintcore/verify/unverified.py",
    "sandbox/fullsend_sandbox/cli/commands.py",
    "sandbox/fullsend_sandbox/cli/standalone.py",
    "sandbox/fullsend_sandbox/google/background.py",
    "sandbox/fullsend_sandbox/google/builds.py",
    "sandbox/fullsend_sandbox/google/control_plane.py",
    "sandbox/fullsend_sandbox/google/front_door.py",
    "sandbox/fullsend_sandbox/google/operations.py",
    "sandbox/fullsend_sandbox/google/payload.py",
    "sandbox/fullsend_sandbox/google/policies.py",
    "sandbox/fullsend_sandbox/google/revisions.py",
    "sandbox/fullsend_sandbox/google/switches.py",
    "sandbox/fullsend_sandbox/google/traffic.py",
    "sandbox/fullsend_sandbox/job.py",
    "sandbox/fullsend_sandbox/names.py",
    "sandbox/fullsend_sandbox/process.py",
    "sandbox/fullsend_sandbox/routes.py",
    "sandbox/fullsend_sandbox/secret_manager.py",
    "sandbox/fullsend_sandbox/standalone_demo.py",
    "sandbox/fullsend_sandbox/traffic.py",
    "sandbox/fullsend_sandbox/world.py",
}
# The page that lists the turns.
GUIDE = "docs/writing.md"


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def checked(paths: list[Path]) -> list[str]:
    names = {name_of(path) for path in paths if path.is_file()}
    return sorted(names - NOT_YET - {GUIDE})


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield each run of neighboring comments and each string, with its line."""
    comment, line = "", 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line = line or token.start[0]
            comment += token.string.lstrip("#") + " "
        elif token.type not in {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}:
            if comment:
                yield line, comment
                comment, line = "", 0
            if token.type == tokenize.STRING:
                yield token.start[0], token.string


@pytest.mark.parametrize("name", checked(DOCUMENTS))
def test_a_document_has_no_banned_turn(name: str) -> None:
    assert banned_in((ROOT / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", checked(SOURCES))
def test_comments_and_strings_have_no_banned_turn(name: str) -> None:
    source = (ROOT / name).read_text(encoding="utf-8")
    assert {f"line {line}": found for line, text in prose_of(source) if (found := banned_in(text))} == {}


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(group, click.Group):
        with click.Context(group) as context:
            for name in group.list_commands(context):
                below = group.get_command(context, name)
                assert below is not None
                yield from commands(below, (*path, name))


@pytest.mark.parametrize("path", sorted(commands(cli)), ids=" ".join)
def test_a_help_text_has_no_banned_turn(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, [*path, "--help"])
    assert done.exit_code == 0
    assert banned_in(done.output) == []


@pytest.mark.parametrize("path", sorted(path for path in commands(cli) if path), ids=" ".join)
def test_every_command_is_in_a_document(path: tuple[str, ...]) -> None:
    """A page that names the group may list its commands by their last word."""
    *group, name = path
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        text = page.read_text(encoding="utf-8")
        if " ".join(["fullsend", *group]) in text and re.search(rf"[` ]{name}[`, ]", text):
            return
    pytest.fail(f"no document names fullsend {' '.join(path)}")


@pytest.mark.parametrize("code", sorted({**TABLE, **CLIENT_TABLE}))
def test_an_errors_texts_have_no_banned_turn(code: str) -> None:
    row = {**TABLE, **CLIENT_TABLE}[code]
    assert banned_in(f"{row.sentence} {row.cause} {row.caller} {row.operator} {row.action}") == []


def test_the_actions_texts_have_no_banned_turn() -> None:
    folder = ROOT / ".github" / "actions" / "mint-token"
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.js"))]
    texts += [
        (folder / "action.yml").read_text(encoding="utf-8"),
        *json.loads((folder / "hints.json").read_text()).values(),
    ]
    assert [found for text in texts for found in banned_in(text)] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Whoever sends slowly spends nobody's time.",
        "A length that is none.",
        "This is no name.",
        "An operator has to mend it.",
        "Where the keys cannot be had.",
    ],
)
def test_the_patterns_find_the_turns_they_are_for(sentence: str) -> None:
    assert banned_in(sentence)


def test_the_guide_shows_turns_that_the_patterns_find() -> None:
    advised = (ROOT / GUIDE).read_text(encoding="utf-8").partition("## Turns to avoid")[2]
    found = {turn.partition(":")[0] for turn in banned_in(advised)}
    assert len(found) >= len(BANNED) // 2
