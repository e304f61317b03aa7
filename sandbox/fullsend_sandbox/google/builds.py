"""Build an uploaded zip into an image, which here is a folder with the source.

A source that cannot be built is refused. Its packages are not installed: a process that runs it uses the packages
of the sandbox's runtime.
"""

import hashlib
import io
import shutil
import threading
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp

from fullsend_sandbox.google.errors import RefusedError, invalid

MAX_UNPACKED = 512 * 1024 * 1024
MAX_FILES = 10_000
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError)
NO_MAIN = (
    "Build failed: missing main.py and GOOGLE_FUNCTION_SOURCE not specified. Either create the function in main.py "
    "or specify GOOGLE_FUNCTION_SOURCE to point to the file that contains the function; Error ID: 5c04ec9c"
)


@dataclass(frozen=True)
class Image:
    """What a build made."""

    name: str
    digest: str
    """The permanent name of its bytes: `repository@sha256:…`."""
    source: Path
    entry_point: str


class Builds:
    """The images of the project, in a temporary folder that `close` removes."""

    def __init__(self) -> None:
        self._root: Path | None = None
        self._lock = threading.Lock()
        self._images: dict[str, Image] = {}

    def build(self, image: str, archive: bytes, entry_point: str) -> Image:
        """Unpack a source. Raises RefusedError for what Cloud Build would fail on."""
        folder = self._new_folder()
        try:
            with zipfile.ZipFile(io.BytesIO(archive)) as opened:
                _check(opened.infolist())
                opened.extractall(folder)  # every name and size was checked
        except UNREADABLE as problem:
            raise invalid("Build failed: the source is not a zip archive that can be read.") from problem
        if not (folder / "main.py").is_file():
            raise invalid(NO_MAIN)
        digest = f"{image.rpartition(':')[0]}@sha256:{hashlib.sha256(image.encode() + archive).hexdigest()}"
        built = Image(image, digest, folder, entry_point)
        self._images[image] = self._images[digest] = built
        return built

    def image(self, name: str) -> Image:
        """Return an image that was built. Raises RefusedError."""
        if name not in self._images:
            raise RefusedError("NOT_FOUND", f"Image '{name}' not found.")
        return self._images[name]

    def close(self) -> None:
        """Remove every folder."""
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)

    def _new_folder(self) -> Path:
        with self._lock:
            self._root = self._root or Path(mkdtemp(prefix="fullsend-builds-"))
        return Path(mkdtemp(dir=self._root))


def _check(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise invalid("Build failed: the source is too large.")
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts:
            raise invalid(f"Build failed: the archive holds a path outside of it: {entry.filename}")
