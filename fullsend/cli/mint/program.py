"""Find the program of `mint exec`, and check that the system can start it, before a token is minted."""

from __future__ import annotations

import errno
import shlex
import shutil
import stat
import sys
from pathlib import Path

from fullsend.cli.output import CommandError

CANNOT_RUN = 126
NOT_FOUND = 127
_NAME_PROGRAM = "Name a program after `--`."
_HEAD_BYTES = 256
"""As much as Linux reads to decide how to start a file (BINPRM_BUF_SIZE)."""
_NO_START: dict[int, str] = {
    errno.ENOEXEC: "Use a program that is built for this machine's system and processor.",
    errno.ENOENT: "Its loader is missing: use a program that is built for this system, or install the loader.",
    errno.E2BIG: "Give the command fewer or shorter arguments, or the job fewer or shorter variables.",
    errno.EACCES: "Give yourself the right to execute it, and check that its file system allows programs.",
}


def find_program(name: str) -> str:
    """Return the program's path. If it cannot be started, print why and exit with a shell's status."""
    found = shutil.which(name)
    status, refusal = (_cannot_run(name, Path(found)) if found else _missing(name)) or (0, None)
    if refusal is not None:
        refusal.show()
        sys.exit(status)
    return str(found)


def not_started(program: str, error: OSError) -> CommandError:
    """Explain that the system refused to start the program."""
    fix = _NO_START.get(error.errno or 0, "Start the command without `mint exec` to see why.")
    return CommandError(f"{program} cannot be run: {error.strerror or error}.", fix)


def _missing(name: str) -> tuple[int, CommandError]:
    try:
        mode = Path(name).stat().st_mode
    except (OSError, ValueError):
        mode = 0
    # Without a slash the system looks for a program in PATH only.
    if "/" in name and stat.S_ISDIR(mode):
        return CANNOT_RUN, _refusal(name, "it is a directory.", _NAME_PROGRAM)
    if "/" in name and mode:
        return CANNOT_RUN, _refusal(name, "it is not executable.", f"chmod +x {shlex.quote(name)}")
    here = f"Give the path of the file in this directory: {shlex.quote(f'./{name}')}" if stat.S_ISREG(mode) else ""
    fix = here or "Install the command, or give its path after `--`."
    return NOT_FOUND, CommandError(f"{name} was not found; nothing was minted.", fix)


def _cannot_run(name: str, program: Path) -> tuple[int, CommandError] | None:
    """Return why the system cannot start an executable file; None if it can, or if the system has to decide."""
    try:
        if not stat.S_ISREG(program.stat().st_mode):
            return CANNOT_RUN, _refusal(name, "it is not a regular file.", _NAME_PROGRAM)
        with program.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None  # an executable file may be unreadable
    if head.startswith(b"#!"):
        return _without_interpreter(name, head[2:])
    # A text is not a program. Of other bytes the system knows more formats than this check.
    if b"\0" in head:
        return None
    return CANNOT_RUN, _refusal(
        name,
        "it has no #! line.",
        "Begin the file with a line that names its interpreter, such as #!/bin/sh, or name the interpreter "
        f"first: -- sh {shlex.quote(name)}",
    )


def _without_interpreter(name: str, line: bytes) -> tuple[int, CommandError] | None:
    if b"\n" not in line and len(line) + 2 == _HEAD_BYTES:
        return None  # longer than what was read
    words = line.partition(b"\n")[0].strip(b" \t").replace(b"\t", b" ").split(b" ")
    interpreter = words[0].decode(errors="surrogateescape")
    if not interpreter:
        return CANNOT_RUN, _refusal(
            name, "its #! line names no interpreter.", "Begin it with #!/bin/sh or another."
        )
    try:
        Path(interpreter).stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError):
        return None
    else:
        return None
    if interpreter.endswith("\r"):
        fix = f"sed -i 's/\\r$//' {shlex.quote(name)}"
        return CANNOT_RUN, _refusal(name, "its lines end as in Windows, with CR LF.", fix)
    return CANNOT_RUN, _refusal(
        name,
        f"its interpreter {interpreter} does not exist.",
        f"Install {interpreter}, or correct the #! line.",
    )


def _refusal(name: str, why: str, fix: str) -> CommandError:
    return CommandError(f"{name} cannot be run: {why} Nothing was minted.", fix)
