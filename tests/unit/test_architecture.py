from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MINT = sorted(ROOT.glob("mintcore/**/*.py"))
OURS = sorted(ROOT.glob("fullsend/**/*.py"))
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


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


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
    # The framework imports what else is installed under google.cloud, which is more here than in the function.
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
def test_a_module_is_short_and_has_a_docstring(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 250
    assert ast.get_docstring(tree_of(path)), "a module says what it decides"


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
