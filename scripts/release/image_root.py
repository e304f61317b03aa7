"""Collect the root file system of the image: Python, the mint, and the libraries that they load. Nothing else.

usage: image_root.py FOLDER MINT    run by the Python of the base image, in the stage that is thrown away.
There is no shell, no package manager and no other program for an attacker in the container. Packages whose files
are taken leave their license and their entry for vulnerability scanners (`/var/lib/dpkg/status.d`).
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import sysconfig
from pathlib import Path

UNUSED = {
    "config-*", "dist-packages", "distutils", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages",
    "test", "tests", "tkinter", "turtle.py", "turtledemo",
}  # fmt: skip
"""The parts of the standard library that only developers need, and packages besides the mint's own."""
FOLDERS = {"dev": 0o755, "pems": 0o755, "proc": 0o755, "run": 0o755, "sys": 0o755, "tmp": 0o1777}
"""Where container engines and operators mount something."""
FILES = ("/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/ssl/certs/ca-certificates.crt")
LOADED_LATER = ("libgcc_s.so.1", "libnss_dns.so.2", "libnss_files.so.2")
"""What glibc loads by name, so that no program lists it."""
USER = "nonroot:x:65532:65532::/:/nonexistent\n"
GROUP = "nonroot:x:65532:\n"


class Root:
    """The folder that becomes the root."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.taken: set[Path] = set()

    def place(self, path: Path) -> Path:
        """Return where a path of the base image is in the new root."""
        return self._folder / path.relative_to("/")

    def take(self, path: Path) -> None:
        """Copy a file under the same name, and each symbolic link on the way to it."""
        parent = Path(os.path.realpath(path.parent))
        self._link_parents(path.parent)
        path = parent / path.name
        if path in self.taken or not (path.exists() or path.is_symlink()):
            return
        self.taken.add(path)
        to = self.place(path)
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            if not to.is_symlink():
                to.symlink_to(path.readlink())
            self.take(Path(os.path.normpath(parent / path.readlink())))
        elif path.is_file() and not to.exists():
            shutil.copy2(path, to)

    def take_tree(self, folder: Path, unused: set[str]) -> None:
        """Copy a folder without the names in ``unused``."""
        self._link_parents(folder)
        shutil.copytree(folder, self.place(folder), symlinks=True, ignore=shutil.ignore_patterns(*unused))

    def _link_parents(self, folder: Path) -> None:
        """Repeat links such as /lib -> usr/lib."""
        for part in [*reversed(folder.parents), folder]:
            to = self.place(part) if part != Path("/") else self._folder
            if part.is_symlink() and not to.is_symlink():
                to.parent.mkdir(parents=True, exist_ok=True)
                to.symlink_to(part.readlink())
                self._link_parents(Path(os.path.normpath(part.parent / part.readlink())))
                self.place(Path(os.path.realpath(part))).mkdir(parents=True, exist_ok=True)


def libraries(program: Path) -> set[Path]:
    """Return the shared libraries that a program or library loads, the loader among them."""
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
    return {Path(word) for line in listed.splitlines() for word in line.split() if word.startswith("/")}


def take_packages(root: Root, others: list[Path]) -> None:
    """Copy the license and the status of each Debian package to which a taken or another given file belongs."""
    if shutil.which("dpkg-query") is None:
        return
    files = [str(path) for path in sorted({*root.taken, *others})]
    # Debian's packages name files without the link /lib -> usr/lib.
    files += [name.removeprefix("/usr") for name in files if name.startswith("/usr/lib")]
    owned = subprocess.run(["dpkg-query", "--search", *files], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
    # A folder that packages share is listed as "one, other: /folder".
    names = {name for line in owned.splitlines() for name in line.partition(": ")[0].split(", ")}
    for package in sorted({name.partition(":")[0] for name in names}):
        status = subprocess.run(["dpkg-query", "--status", package], capture_output=True, text=True, check=False)  # noqa: S603, S607
        to = root.place(Path("/var/lib/dpkg/status.d") / package)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(status.stdout, encoding="utf-8")
        root.take(Path("/usr/share/doc") / package / "copyright")


def main() -> None:
    """Fill the folder."""
    root, mint = Root(Path(sys.argv[1])), Path(sys.argv[2])
    python = mint / "bin" / "python3"
    standard = Path(sysconfig.get_path("stdlib"))
    root.take_tree(standard, UNUSED)
    root.take_tree(mint, {"tests"})
    root.take(python)
    programs = {Path(os.path.realpath(python))}
    for folder in (standard, mint):
        programs |= {path for path in folder.rglob("*.so*") if not {"test", "tests"} & set(path.parts)}
    found = set().union(*(libraries(program) for program in programs))
    folders = {path.parent for path in found}
    found |= {folder / name for folder in folders for name in LOADED_LATER}
    verify = ssl.get_default_verify_paths()
    for path in [*found, *map(Path, FILES), Path(verify.openssl_cafile), Path(verify.openssl_capath)]:
        root.take(path)
    take_packages(root, [*standard.glob("*.py"), *standard.glob("lib-dynload/*")])
    for name, mode in FOLDERS.items():
        place = root.place(Path("/") / name)
        place.mkdir(exist_ok=True)
        place.chmod(mode)
    root.place(Path("/etc/passwd")).write_text(USER, encoding="utf-8")
    root.place(Path("/etc/group")).write_text(GROUP, encoding="utf-8")


if __name__ == "__main__":
    main()
