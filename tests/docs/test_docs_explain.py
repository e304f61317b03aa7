"""docs/explain.md shows what a mint answers, and options that the command has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from fullsend.cli.root import cli
from mintcore.version import VERSION
from tests.contract.exchange import send
from tests.contract.table import Sent

if TYPE_CHECKING:
    from fullsend_sandbox.world import World
    from tests.conftest import StartMint

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "explain.md").read_text(encoding="utf-8")


def test_the_trace_on_the_page_is_what_a_mint_answers(world: World, start_mint: StartMint) -> None:
    shown = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    mint = start_mint(ALLOWED_ROLES="coder,fix,triage")
    token = world.issuer.token(world.job(workflow="octo-org/app/.github/workflows/triage.yml@refs/heads/main"))
    got = send(mint.url, Sent(token, b"", "GET", "/v1/status?role=coder&repos=app,docs"))
    assert got.json == shown | {"version": VERSION}


def test_every_option_on_the_pages_is_one_the_commands_have() -> None:
    others = {"--env-vars-file", "--format", "--project", "--freshness", "--unit", "--output", "--since"}
    for page, command in (("explain.md", ["mint", "explain"]), ("audit.md", ["audit", "find"])):
        known = set(re.findall(r"--[\w-]+", CliRunner().invoke(cli, [*command, "--help"]).output))
        used = set(re.findall(r"(?<![\w-])--[a-z][\w-]+", (DOCS / page).read_text(encoding="utf-8")))
        assert used - others <= known, page
