"""Every row of the table of trust against both modes as real processes: exact scope, exact permissions, no call."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.exchange import Got, send
from tests.contract.modes import MODES, new_mint
from tests.contract.rows_trust import ROWS
from tests.contract.table import Sent
from tests.contract.trust_world import TrustRow, TrustWorld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

CASES = [pytest.param(row, mode, id=f"{mode}: {row.config}: {row.id}") for row in ROWS for mode in MODES]


@pytest.fixture(scope="module")
def trust_world(shared_world: World) -> TrustWorld:
    shared_world.reset()
    furnished = TrustWorld(shared_world)
    furnished.furnish()
    return furnished


@pytest.fixture(scope="module")
def mint_of(
    trust_world: TrustWorld, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], MintProcess]]:
    """Return the mint of a configuration and mode, started with its first row."""
    running: dict[tuple[str, str], MintProcess] = {}
    with ExitStack() as stack:

        def mint_of(config: str, mode: str) -> MintProcess:
            if (config, mode) not in running:
                pems, changes = tmp_path_factory.mktemp("pems"), trust_world.environment(config)
                running[config, mode] = stack.enter_context(new_mint(mode, trust_world.world, pems, **changes))
            return running[config, mode]

        yield mint_of


def ask(row: TrustRow, mint: MintProcess, furnished: TrustWorld, **sent: Any) -> Got:
    job = {"event_name": "push"} | dict(row.job)
    flow, _, ref = job.get("workflow", "").rpartition("@")
    if flow.endswith("@"):  # "FLOW@@name" is the commit of that name
        job["workflow"] = f"{flow}{furnished.commits[ref]}"
    world = furnished.world
    token = world.issuer.token(world.job(**job), **row.claims)
    for service in (world.sts, world.github):
        service.traffic.clear()
    return send(mint.url, Sent(token, **({"body": row.body} | sent)))


@pytest.mark.parametrize(("row", "mode"), CASES)
def test_the_table_of_trust(
    row: TrustRow, mode: str, trust_world: TrustWorld, mint_of: Callable[[str, str], MintProcess]
) -> None:
    got = ask(row, mint_of(row.config, mode), trust_world)
    calls = trust_world.world.outside_calls()
    assert (got.status, got.json.get("code", "")) == (row.status, row.code), got.text
    if row.status == 200:
        assert_granted(row, got, trust_world)
        return
    for words in row.says:
        assert words in got.json["error"]
    if not row.looks_up:
        assert (calls["sts"], calls["github"]) == (int(row.exchanges and mode == "hosted"), 0)


def assert_granted(row: TrustRow, got: Got, furnished: TrustWorld) -> None:
    assert sorted(got.json["granted_repos"]) == sorted(row.repos)
    assert got.json["repository_selection"] == ("selected" if row.repos else "all")
    assert got.json["granted_permissions"] == {"metadata": "read"} | dict(row.permissions)
    warnings = got.json.get("warnings", [])
    assert len(warnings) == len(row.warns), warnings
    for words, warning in zip(row.warns, warnings, strict=True):
        assert words in warning
    # Compare the tokens that GitHub made, not only the mint's answer.
    hashed = base64.b64encode(hashlib.sha256(got.json["token"].encode()).digest()).decode()
    (made,) = [one for one in furnished.world.github.live_tokens() if one.hashed == hashed]
    assert dict(made.permissions) == got.json["granted_permissions"]
    assert (made.repository_ids is None) is (not row.repos)


def test_the_table_is_as_large_as_it_has_to_be() -> None:
    assert len({(row.config, row.id) for row in ROWS}) == len(ROWS) >= 120


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("config", "warned"),
    [("old", {"REPO_SCOPE", "octo-org/coder"}), ("old public", {"REPO_SCOPE", "WORKFLOW_REFS"}), ("caller", set())],
)
def test_an_environment_from_before_the_protections_warns_at_start(
    config: str, warned: set[str], mode: str, mint_of: Callable[[str, str], MintProcess]
) -> None:
    entries = [json.loads(line) for line in mint_of(config, mode).logs() if line.startswith("{")]
    warnings = [entry["message"] for entry in entries if entry.get("severity") == "WARNING"]
    about = {
        name for name in ("REPO_SCOPE", "WORKFLOW_REFS", "octo-org/coder") for text in warnings if name in text
    }
    assert about == warned, warnings


@pytest.mark.parametrize("mode", MODES)
def test_warm_mints_cost_one_call_to_github_and_one_to_sts(
    mode: str, trust_world: TrustWorld, mint_of: Callable[[str, str], MintProcess]
) -> None:
    warm = ("a foreign repository that lists the caller", "a sibling that lists the caller", "itself by name",
            "the host at @main")  # fmt: skip
    for row in (row for row in ROWS if row.id in warm):
        for _ in range(2):
            got = ask(row, mint_of(row.config, mode), trust_world)
        assert got.status == 200
        calls = trust_world.world.outside_calls()
        assert (calls["sts"], calls["github"]) == (1 if mode == "hosted" else 0, 1), row.id


@pytest.mark.parametrize("mode", MODES)
def test_a_denied_caller_causes_one_look_up_per_target(
    mode: str, trust_world: TrustWorld, mint_of: Callable[[str, str], MintProcess]
) -> None:
    (row,) = [row for row in ROWS if row.id == "a foreign repository without the variable"]
    for _ in range(3):
        assert ask(row, mint_of(row.config, mode), trust_world).status == 403
    assert trust_world.world.outside_calls()["github"] == 0


@pytest.mark.parametrize("mode", MODES)
def test_status_decides_as_a_mint_would(
    mode: str, trust_world: TrustWorld, mint_of: Callable[[str, str], MintProcess]
) -> None:
    seen = set()
    for row in ROWS:
        # Policy refuses a level that the role does not have; the parser refuses a malformed one.
        decided = row.status in {200, 403} or (row.code == "invalid_level" and bool(row.says))
        named = {"permissions", "levels", "repo", "target-org", "permission"} & set(row.body)
        asked = [row.body[name] for name in ("level", "target_org") if row.body.get(name) is not None]
        if not decided or named or any(not isinstance(one, str) or not one.isalnum() for one in asked):
            continue
        query = "&".join(
            [f"{name}={row.body[name]}" for name in ("role", "level", "target_org") if row.body.get(name)]
            + [f"repos={name}" for name in row.body.get("repos") or ()]
        )
        got = ask(row, mint_of(row.config, mode), trust_world, body=b"", method="GET", path=f"/v1/status?{query}")
        if got.status == 403:
            assert got.json["code"] == row.code == "org_not_allowed"
            continue
        assert got.json["allowed"] is (row.status == 200), row.id
        denies = [rule for rule in got.json["rules"] if not {"open", "report_only"} & set(rule)]
        denials = [rule["code"] for rule in denies if not rule["passed"]]
        assert denials[:1] == ([row.code] if row.code else []), row.id
        seen |= {rule["rule"] for rule in got.json["rules"] if not rule["passed"]}
    assert seen >= {"workflow_repo", "role", "level", "claims", "ids", "workflow_refs", "repo_scope"}
