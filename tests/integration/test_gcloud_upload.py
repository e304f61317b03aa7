"""What `gcloud functions deploy --source=.` uploads, built by gcloud's own code."""

from __future__ import annotations

import io
import subprocess
import zipfile
from typing import TYPE_CHECKING

from fullsend.operate.plan.bundle import build
from tests.conftest import ROOT
from tests.gcloud_sdk import needs_gcloud, run_in_sdk

if TYPE_CHECKING:
    from pathlib import Path

ZIP = """
from googlecloudsdk.command_lib.functions import source_util
print(source_util.CreateSourcesZipFile(sys.argv[2], sys.argv[1]))
"""


@needs_gcloud
def test_gcloud_uploads_the_same_files_as_mint_deploy(tmp_path: Path) -> None:
    source = _checkout(tmp_path / "checkout")
    upload = run_in_sdk(ZIP, str(source), str(tmp_path), config=tmp_path / "config").strip()

    with zipfile.ZipFile(io.BytesIO(build(source).data)) as ours, zipfile.ZipFile(upload) as theirs:
        files = {name: theirs.read(name) for name in theirs.namelist() if not name.endswith("/")}
        assert files == {name: ours.read(name) for name in ours.namelist()}


def _checkout(folder: Path) -> Path:
    """Return the repository's files as they are now, as a clone would have them."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder
