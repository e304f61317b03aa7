"""docs/openapi.yaml is correct: schemathesis tests the real processes with it, and it has the contract's table.

The number of generated requests is kept small here; `make fuzz-api` asks for many more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from mintcore.errors import MintError
from tests.audited_mint import ForkedMint
from tests.contract import rows_policy, rows_request, rows_token, rows_upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World
    from tests.contract.table import Row

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
# The seed is fixed, so a change never fails by chance; `make fuzz-api` uses random requests.
CHANCE = ["--generation-database", "none"] if "FUZZ_API_EXAMPLES" in os.environ else ["--generation-deterministic"]
SCHEMATHESIS = str(Path(sys.executable).parent / "schemathesis")
EXAMPLES = os.environ.get("FUZZ_API_EXAMPLES", "5")
ROWS = (*rows_request.ROWS, *rows_token.ROWS, *rows_policy.ROWS, *rows_upstream.ROWS)


def start(mode: str, world: World, folder: Path) -> MintProcess:
    if mode == "hosted":
        return ForkedMint(world.mint_environment(), source=ROOT)
    environment = world.standalone_environment(folder, METRICS="1")
    return ForkedMint(environment, source=ROOT, command=("fullsend-mint",))


@pytest.mark.timeout(3600 if "FUZZ_API_EXAMPLES" in os.environ else 120)
@pytest.mark.parametrize("mode", ["hosted", "standalone"])
def test_the_process_keeps_to_the_document(mode: str, world: World, tmp_path: Path) -> None:
    world.github.create_repo("octo-org/my-repo")  # the document's own example
    left_out = [] if mode == "standalone" else ["--exclude-path", "/metrics"]
    with start(mode, world, tmp_path) as mint:
        token = world.issuer.token(world.job(), exp=int(world.issuer.clock()) + 3600)
        done = subprocess.run(
            [
                SCHEMATHESIS, "--config-file", str(ROOT / "tests/contract/schemathesis.toml"),
                "run", str(ROOT / "docs/openapi.yaml"), "--url", mint.url,
                "--header", f"Authorization: Bearer {token}",
                "--max-examples", EXAMPLES, *left_out, *CHANCE, "--no-color",
            ],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr).replace(token, "<token>")[-6000:]


def codes(answer: dict[str, Any]) -> set[str]:
    """The codes that an answer of the document lists."""
    schema = follow(answer)["content"]["application/json"]["schema"]
    return {code for part in schema["allOf"] for code in part.get("properties", {}).get("code", {}).get("enum", ())}


def follow(value: dict[str, Any]) -> dict[str, Any]:
    found: Any = DOCUMENT
    if "$ref" not in value:
        return value
    for part in value["$ref"].split("/")[1:]:
        found = found[part]
    return dict(found)


def is_documented(row: Row, world: World) -> bool:
    """Whether the document lists the row's code; it describes unknown paths and methods only in words."""
    sent = row.send(world)
    path = DOCUMENT["paths"].get(sent.path)
    operation = path and path.get(sent.method.lower())
    if operation is None:
        return (row.status, row.code) == ((404, "not_found") if path is None else (405, "method_not_allowed"))
    return str(row.status) in operation["responses"] and row.code in codes(operation["responses"][str(row.status)])


def test_every_row_of_the_contract_is_documented(world: World) -> None:
    assert not [row.id for row in ROWS if not is_documented(row, world)]


def test_every_code_of_the_document_is_one_of_the_mints() -> None:
    known = {code for kind in leaves(MintError) for code in (kind.code, "bad_request")}
    listed = {
        code
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
        for answer in operation["responses"].values()
        if "allOf" in follow(answer)["content"].get("application/json", {}).get("schema", {})
        for code in codes(answer)
    }
    assert listed <= known
    assert known - listed == {"method_not_allowed"}


def leaves(kind: type[MintError]) -> Iterator[type[MintError]]:
    if "code" in vars(kind):
        yield kind
    for narrower in kind.__subclasses__():
        yield from leaves(narrower)
