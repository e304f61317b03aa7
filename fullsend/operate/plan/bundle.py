"""Build the source to upload: exactly `main.py`, `mintcore/**.py` and `requirements.txt`.

The same files give the same bytes, independent of clock, umask and directory order, in a clone and in an installed
package. So the hash tells whether a deployment would change anything.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import mintcore
from fullsend.operate.operate_errors import BadInput

_WHEN = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_UNIX = 3
# setup.py puts the two files here in an installed package.
_INSTALLED = Path("fullsend", "operate", "upload")
_IN_BUNDLE = re.compile(r"main\.py|requirements\.txt|mintcore/(?:[^/]+/)*[^/]+\.py")
MAX_UNPACKED = 64 * 1024 * 1024
# What zipfile raises for a damaged, encrypted or unsupported archive. NotImplementedError is a RuntimeError.
_UNREADABLE_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError)
_VERSION = re.compile(rb'^VERSION = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bundle:
    """The zip, the hexadecimal SHA-256 of its bytes, the mint's version in it, and the source folder."""

    data: bytes = field(repr=False)
    sha256: str
    version: str
    folder: Path = field(default=Path(), compare=False)


def default_source() -> Path:
    """Return the folder of the installed mint: a clone, or site-packages."""
    return Path(mintcore.__file__).resolve().parent.parent


def build(source: Path) -> Bundle:
    """Return the bundle of a source tree. Raises BadInput for another folder."""
    contents = {name: path.read_bytes() for name, path in sorted(_files(source).items())}
    version = _VERSION.search(contents.get("mintcore/version.py", b""))
    missing = {"main.py", "requirements.txt", "mintcore/version.py"} - contents.keys()
    if missing or version is None:
        raise BadInput(
            f"{source} is not the source of a mint. Missing: {', '.join(sorted(missing)) or 'the version'}.",
            "Pass --source with the folder that has main.py and mintcore/, such as a clone of the repository.",
        )
    data = _zip(contents)
    return Bundle(data, hashlib.sha256(data).hexdigest(), version[1].decode(), source)


def of_archive(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the bundle hash for the files in another archive, and the files that are not part of a bundle.

    Two programs make different archives of the same files. Raises BadInput if it is not an archive of a source.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
                raise BadInput("The source archive is too large.")
            contents = {entry.filename: archive.read(entry) for entry in entries}
    except _UNREADABLE_ZIP as error:
        raise BadInput("The source archive is not a zip file.") from error
    ours = {name: content for name, content in sorted(contents.items()) if _IN_BUNDLE.fullmatch(name)}
    return hashlib.sha256(_zip(ours)).hexdigest(), tuple(sorted(contents.keys() - ours.keys()))


def _files(source: Path) -> dict[str, Path]:
    """Return each file by its name in the zip."""
    # Not site-packages itself, where another package may have put a main.py.
    top = source / _INSTALLED if (source / _INSTALLED).is_dir() else source
    files = {name: top / name for name in ("main.py", "requirements.txt")}
    files |= {path.relative_to(source).as_posix(): path for path in (source / "mintcore").rglob("*.py")}
    return {name: path for name, path in files.items() if path.is_file()}


def _zip(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    # Stored, not deflated: another version of the compressor may give other bytes and so another hash.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, _WHEN)
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            archive.writestr(entry, content)
    return buffer.getvalue()
