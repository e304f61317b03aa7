"""Only `verify/` makes the proof that a token is genuine, and only the documented modules make callers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.unit.source_files import MINT, OURS, ids, name_of, tree_of

if TYPE_CHECKING:
    from pathlib import Path

MAKERS = {
    "WorkflowCaller": {"mintcore/policy/claims.py"},
    "Job": {f"mintcore/policy/kinds/{kind}.py" for kind in ("buildkite", "circleci", "gitlab", "kubernetes")},
    "JobCaller": {"mintcore/policy/caller_rules.py"},
    "Caller": set[str](),
}


def test_only_the_documented_modules_make_callers_and_jobs() -> None:
    made: dict[str, set[str]] = {name: set() for name in MAKERS}
    for path in MINT:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in made:
                made[ast.unparse(node.func).split(".")[-1]].add(str(path.relative_to(ROOT)))
    assert made == MAKERS


PROOFS = {"GenuineClaims", "SignedClaims", "UnprovenClaims"}


def makes_proof(tree: ast.Module) -> list[str]:
    """Return every place that could make a proof: a call of the class, by any name, or a copy of any value."""
    aliases = PROOFS | {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in PROOFS and alias.asname
    }
    copiers = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in {"dataclasses", "copy"}
        for alias in node.names
        if alias.name in {"replace", "copy", "deepcopy"}
    }
    modules = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name in {"dataclasses", "copy"}
    }
    annotations = {
        id(part)
        for node in ast.walk(tree)
        for field in ("annotation", "returns")
        if getattr(node, field, None) is not None
        for part in ast.walk(getattr(node, field))
    }
    checked = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"
        for part in ast.walk(node.args[1])
    }
    found = []
    for node in ast.walk(tree):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name in aliases and id(node) not in annotations | checked:
            found.append(ast.unparse(node))
        if isinstance(node, ast.Call) and is_copier(node.func, copiers, modules):
            found.append(f"replace({ast.unparse(node.args[0])})")
    return found


def is_copier(function: ast.expr, names: set[str], modules: set[str]) -> bool:
    if isinstance(function, ast.Name):
        return function.id in names
    if not isinstance(function, ast.Attribute):
        return False
    of_module = isinstance(function.value, ast.Name) and function.value.id in modules
    return function.attr in {"__replace__", "__new__"} or (
        of_module and function.attr in {"replace", "copy", "deepcopy"}
    )


# What is copied with changes, by the name it has there. None of these is a proof.
COPIED = {
    "mintcore/keys/secret_manager.py": {"context"},
    "mintcore/service.py": {"status"},
    "mintcore/cache/expiring.py": {"slot.failure"},
    "mintcore/cache/slots.py": {"error"},
    "mintcore/github/lookup_limits.py": {"failure", "failed.failure"},
    "mintcore/minting/lookups.py": {"facts"},
    "fullsend/client/mint.py": {"self._retry"},
    "fullsend/client/token_api.py": {"self.retry"},
    "fullsend/cli/mint/deploy.py": {"deployment"},
    "fullsend/cli/mint/doctor.py": {"snapshot"},
    "fullsend/cli/mint/role_keys.py": {"role"},
    "fullsend/operate/doctor/rehearsal.py": {"one", "policy"},
    "fullsend/operate/gcp/read_state.py": {"state"},
    "fullsend/operate/model/federation.py": {"one", "other"},
    "fullsend/operate/plan/deployment.py": {"found.spec", "state"},
}


@pytest.mark.parametrize("path", [*MINT, *OURS], ids=ids([*MINT, *OURS]))
def test_proof_is_made_where_proof_is_checked(path: Path) -> None:
    if name_of(path).startswith("mintcore.verify") or path == ROOT / "mintcore" / "policy" / "claims.py":
        return
    allowed = {f"replace({name})" for name in COPIED.get(str(path.relative_to(ROOT)), ())}
    assert set(makes_proof(tree_of(path))) - allowed == set()


@pytest.mark.parametrize(
    "line",
    [
        "claims.GenuineClaims(caller)",
        "from mintcore.policy.claims import GenuineClaims as G\nG(caller)",
        "from dataclasses import replace\nreplace(genuine, caller=other)",
        "import dataclasses\ndataclasses.replace(genuine, caller=other)",
        "make = GenuineClaims",
        "object.__new__(GenuineClaims)",
        "from copy import copy\ncopy(genuine)",
    ],
)
def test_the_guard_sees_every_way_to_make_a_proof(line: str) -> None:
    assert makes_proof(ast.parse(line))
