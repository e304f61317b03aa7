from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MINT = sorted(ROOT.glob("mintcore/**/*.py"))
OURS = sorted(ROOT.glob("fullsend/**/*.py"))
SANDBOX = sorted(ROOT.glob("fullsend/sandbox/**/*.py"))
GOOGLE_CLOUD = {"mintcore/keys/secret_manager.py"}
# The composition roots, and what only starting and serving the standalone mint needs.
ROOTS = {
    "mintcore.hosted", "mintcore.standalone", "mintcore.serving", "mintcore.serving_log",
    "mintcore.standalone_report",
}  # fmt: skip
SETTINGS = {
    "mintcore.settings", "mintcore.reading", "mintcore.role_settings", "mintcore.telemetry_settings",
    "mintcore.trust_settings",
}  # fmt: skip
# What is an extra, and imported only where and when it was asked for.
EXTRAS = {"mintcore/telemetry.py": {"opentelemetry"}, "mintcore/rate_limit.py": {"redis"}}
PLAIN = {"mintcore.errors", "mintcore.secret", "mintcore.version", "mintcore.ports"}
ADAPTER = PLAIN | {"mintcore.policy", "mintcore.outbound", "mintcore.answer", "mintcore.cache"}
# What a room may import besides itself; a room that is not here may import what a plain adapter may.
MAY_IMPORT = {
    "mintcore.errors": set[str](),
    "mintcore.secret": set[str](),
    "mintcore.version": set[str](),
    "mintcore.clock": set[str](),
    "mintcore.background": set[str](),
    "mintcore.reading": {"mintcore.secret"},
    "mintcore.connections": {"mintcore.secret", "mintcore.ports", "mintcore.http1"},
    "mintcore.http1": {"mintcore.ports"},
    "mintcore.outbound": PLAIN | {"mintcore.answer", "mintcore.connections", "mintcore.http1"},
    "mintcore.answer": {"mintcore.clock"},
    "mintcore.policy": {"mintcore.errors"},
    "mintcore.ports": {"mintcore.policy", "mintcore.errors", "mintcore.secret"},
    "mintcore.service": {"mintcore.policy", "mintcore.ports", "mintcore.errors"},
    "mintcore.settings": SETTINGS | {"mintcore.policy", "mintcore.rate_limit", "mintcore.secret"},
    "mintcore.role_settings": SETTINGS | {"mintcore.policy"},
    "mintcore.telemetry_settings": SETTINGS,
    "mintcore.trust_settings": SETTINGS | {"mintcore.policy"},
    "mintcore.incoming": {"mintcore.errors"},
    "mintcore.endpoint": PLAIN | {"mintcore.service", "mintcore.policy", "mintcore.audit", "mintcore.incoming"},
    "mintcore.rate_limit": PLAIN | {"mintcore.audit"},
    "mintcore.audit": ADAPTER | {"mintcore.audit_file"},
    "mintcore.fallback": ADAPTER | {"mintcore.endpoint", "mintcore.audit"},
    "mintcore.keys": ADAPTER | {"mintcore.audit", "mintcore.reading"},
}
# One table of short classes: every way to fail is found in one place, and compared with the others there.
LONGER = {"mintcore/errors.py": 330}
PACKAGES = {
    "jwt": "pyjwt", "google.auth": "google-auth",
    "google.api_core": "google-api-core",
    "google.cloud": "google-cloud-secret-manager",
}  # fmt: skip


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", MINT, ids=ids(MINT))
def test_the_mint_imports_inward_and_downward_only(path: Path) -> None:
    room = room_of(name_of(path))
    if room in ROOTS | {"mintcore", "mintcore.assembly"}:
        return
    allowed = MAY_IMPORT.get(room, ADAPTER) | {room}
    imported = {room_of(name) for name in imports_of(path) if name.startswith("mintcore.")}
    assert imported <= allowed


def test_nothing_but_what_starts_a_mint_imports_a_composition_root() -> None:
    users = {name_of(path) for path in MINT if {room_of(name) for name in imports_of(path)} & ROOTS}
    assert users <= ROOTS


@pytest.mark.parametrize("path", MINT, ids=ids(MINT))
def test_the_mint_never_imports_what_a_running_mint_does_not_need(path: Path) -> None:
    assert not {
        name for name in imports_of(path) if name.split(".")[0] in {"fullsend", "tests", "bench", "scripts"}
    }


@pytest.mark.parametrize("path", SANDBOX, ids=ids(SANDBOX))
def test_the_sandbox_is_an_independent_witness(path: Path) -> None:
    assert not {name for name in imports_of(path) if name.split(".")[0] == "mintcore"}


@pytest.mark.parametrize("path", MINT, ids=ids(MINT))
def test_the_mint_imports_only_what_is_installed_with_it(path: Path) -> None:
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    for name in imports_of(path):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names or top == "mintcore":
            continue
        if top in EXTRAS.get(str(path.relative_to(ROOT)), ()):
            continue
        package = next((given for prefix, given in PACKAGES.items() if f"{name}.".startswith(f"{prefix}.")), top)
        assert package in pinned, name


def test_google_cloud_is_imported_in_its_one_place() -> None:
    users = {
        str(path.relative_to(ROOT)) for path in MINT if any(n.startswith("google.cloud") for n in imports_of(path))
    }
    assert users == GOOGLE_CLOUD


def test_only_the_settings_read_the_environment() -> None:
    users = set()
    for path in MINT:
        for node in ast.walk(tree_of(path)):
            named = isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "putenv"}
            # A WSGI request has an environ, too, and it is the caller's.
            if named and ast.unparse(node) != "request.environ":
                users.add(str(path.relative_to(ROOT)))
    assert users == {"mintcore/settings.py"}


@pytest.mark.parametrize("path", [*MINT, *OURS], ids=ids([*MINT, *OURS]))
def test_proof_is_made_where_proof_is_checked(path: Path) -> None:
    made = {
        node.func.id
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    if not name_of(path).startswith("mintcore.verify"):
        assert not made & {"GenuineClaims", "SignedClaims", "UnprovenClaims"}


POLICY = [path for path in MINT if "policy" in path.parts]


@pytest.mark.parametrize("path", POLICY, ids=ids(POLICY))
def test_policy_is_pure(path: Path) -> None:
    outside = {"os", "time", "datetime", "socket", "random", "secrets", "subprocess", "threading", "logging", "io"}
    assert not {name.split(".")[0] for name in imports_of(path)} & outside
    called = {
        node.func.id
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "eval", "exec"}


def is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    makers = {"list", "dict", "set", "defaultdict", "OrderedDict", "Counter", "deque", "bytearray", "Lock", "local"}
    if not isinstance(value, ast.Call):
        return False
    function = value.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return name in makers


@pytest.mark.parametrize("path", MINT, ids=ids(MINT))
def test_a_module_has_no_state_but_constants(path: Path) -> None:
    tree = tree_of(path)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global)]
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        constant_table = all(name.lstrip("_").isupper() for name in names)
        assert not is_mutable(node.value) or constant_table or names == ["__all__"], names


@pytest.mark.parametrize("path", MINT, ids=ids(MINT))
def test_a_file_is_one_room(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGER.get(str(path.relative_to(ROOT)), 250)
    assert ast.get_docstring(tree_of(path)), "a module says what it decides"


def test_the_functions_file_is_an_entrance_and_no_more() -> None:
    assert len((ROOT / "main.py").read_text(encoding="utf-8").splitlines()) < 30


@pytest.mark.parametrize("word", ["mock.patch", "monkeypatch.setattr", "unittest.mock"])
def test_no_test_replaces_a_part_behind_our_back(word: str) -> None:
    users = [path for path in ROOT.glob("tests/**/*.py") if path != Path(__file__) and word in path.read_text()]
    assert users == []
