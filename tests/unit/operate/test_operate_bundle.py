from __future__ import annotations

import io
import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.bundle import build, default_source

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {
        "main.py": "import mintcore\n",
        "requirements.txt": "click==1\n",
        "README.md": "no\n",
        "mintcore/__init__.py": "",
        "mintcore/version.py": 'VERSION = "1.2.3"\n',
        "mintcore/policy/names.py": "x = 1\n",
        "mintcore/policy/notes.txt": "no\n",
        "mintcore/__pycache__/names.pyc": "no\n",
        "fullsend/cli.py": "no\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_bundle_holds_exactly_what_runs(tree: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(build(tree).data)) as archive:
        assert archive.namelist() == [
            "main.py",
            "mintcore/__init__.py",
            "mintcore/policy/names.py",
            "mintcore/version.py",
            "requirements.txt",
        ]


def test_the_same_tree_gives_the_same_bytes_whatever_the_clock_and_the_modes(tree: Path) -> None:
    before = build(tree)
    os.utime(tree / "main.py", (1, 2_000_000_000))
    (tree / "main.py").chmod(0o700)
    assert build(tree) == before
    assert build(tree).data == before.data


def test_another_content_gives_another_hash(tree: Path) -> None:
    before = build(tree).sha256
    (tree / "main.py").write_text("import mintcore  \n")
    assert build(tree).sha256 != before


def test_the_bundle_tells_the_version_in_it(tree: Path) -> None:
    assert build(tree).version == "1.2.3"


def test_a_folder_without_a_mint_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"main\.py, mintcore/version\.py, requirements\.txt"):
        build(tmp_path)


def test_the_source_beside_this_command_is_a_mint() -> None:
    assert len(build(default_source()).sha256) == 64
