from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.unit.source_files import MINT, OURS, ids, name_of, tree_of

SANDBOX = sorted(ROOT.glob("sandbox/**/*.py"))


# What is an extra, and imported only where and when it was asked for.
EXTRAS = {
    "mintcore/observe/metrics.py": {"prometheus_client"},
    "mintcore/observe/telemetry.py": {"opentelemetry"},
    "mintcore/rate_limit.py": {"redis"},
}


PACKAGES = {
    "jwt": "pyjwt", "functions_framework": "functions-framework", "google.auth": "google-auth",
}  # fmt: skip


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_modules_import_as_the_contracts_say() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_root_of_the_mint_holds_the_main_story_and_small_tools() -> None:
    found = {path.stem for path in (ROOT / "mintcore").iterdir() if not path.name.startswith("__")}
    packages = {
        "github",
        "http",
        "keys",
        "minting",
        "observe",
        "outbound",
        "policy",
        "settings",
        "startup",
        "verify",
    }
    story = {"errors", "hosted", "ports", "request", "service", "standalone"}
    assert found == packages | story | {"cache", "clock", "rate_limit", "secret", "version"}


def test_no_import_is_relative() -> None:
    relative = [
        str(path.relative_to(ROOT))
        for path in [*MINT, *OURS, *SANDBOX]
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


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


def test_the_mint_imports_nothing_of_googles_client_libraries_but_google_auth() -> None:
    slow = ("google.cloud", "google.api_core", "grpc", "proto")
    assert [name for path in MINT for name in imports_of(path) if name.startswith(slow)] == []


def test_the_first_calls_begin_before_the_cryptography_libraries_are_imported() -> None:
    """The libraries take longer to import than a service to answer."""
    tree = tree_of(ROOT / "mintcore/hosted.py")
    assemble = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "_assemble")
    calls = [n.lineno for n in ast.walk(assemble) if isinstance(n, ast.Call) and ast.unparse(n.func) == "warm_up"]
    before = {
        str(n.module)
        for n in [*tree.body, *ast.walk(assemble)]
        if isinstance(n, ast.ImportFrom) and n.lineno < max(calls)
    }
    # The framework imports every package under google.cloud, and more of them are installed here than in the
    # function.
    modules = ", ".join(sorted(before - {"mintcore.http.framework", "__future__"}))
    code = f"import {modules}, sys; print({{'cryptography', 'jwt'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (len(calls), done.stdout) == (3, "set()\n")


def test_only_the_settings_read_the_environment() -> None:
    users = set()
    for path in MINT:
        for node in ast.walk(tree_of(path)):
            named = isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "putenv"}
            # A WSGI request has an environ, too, and it is the caller's.
            if named and ast.unparse(node) != "request.environ":
                users.add(str(path.relative_to(ROOT)))
    assert users == {"mintcore/settings/environment.py"}


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


EVERY = [*MINT, *OURS, *SANDBOX, *sorted(ROOT.glob("bench/**/*.py")), *sorted(ROOT.glob("scripts/**/*.py"))]


@pytest.mark.parametrize("path", EVERY, ids=ids(EVERY))
def test_a_module_is_short_and_has_a_docstring(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 250
    assert ast.get_docstring(tree_of(path)), "a module says what it decides"


def test_no_test_module_is_longer_than_300_lines() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "tests").rglob("*.py")}
    assert {name_of(path): lines for path, lines in lengths.items() if lines > 300} == {}


# What opens connections in the standard library and is a part of a package that does other things too, so that an
# import contract cannot name it.
CONNECTS = {"asyncio", "ftplib", "http.client", "smtplib", "socket", "socketserver", "ssl", "urllib.request"}


SEAM = [path for path in OURS if not name_of(path).startswith("fullsend.net")]


@pytest.mark.parametrize("path", SEAM, ids=ids(SEAM))
def test_only_the_seam_opens_connections(path: Path) -> None:
    found = {name for name in imports_of(path) for used in CONNECTS if f"{name}.".startswith(f"{used}.")}
    assert found == set()


def test_no_two_modules_of_the_command_line_have_one_name() -> None:
    names = [path.stem for path in OURS if path.stem != "__init__"]
    # `status` is the same command of two services; each of these stands in the folder that says of which.
    assert {name for name in names if names.count(name) > 1} == {"status"}


def test_the_functions_file_is_an_entrance_and_no_more() -> None:
    assert len((ROOT / "main.py").read_text(encoding="utf-8").splitlines()) < 30


@pytest.mark.parametrize("word", ["mock.patch", "monkeypatch.setattr", "unittest.mock"])
def test_no_test_replaces_a_part_behind_our_back(word: str) -> None:
    users = [path for path in ROOT.glob("tests/**/*.py") if path != Path(__file__) and word in path.read_text()]
    assert users == []
