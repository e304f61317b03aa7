"""Small programs that behave as the CI systems' own do, on a PATH for a test."""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Both record their arguments, what they read and the claims that they were asked for.
_BUILDKITE = """\
import json, os, sys
here = os.path.dirname(os.path.abspath(sys.argv[0]))
arguments = sys.argv[1:]
stdin = sys.stdin.read() if arguments[:2] == ["redactor", "add"] else ""
with open(os.path.join(here, "calls"), "a") as file:
    claims = os.environ.get("BUILDKITE_OIDC_TOKEN_CLAIMS")
    file.write(json.dumps({"arguments": arguments, "stdin": stdin, "claims": claims}) + "\\n")
if os.environ.get("AGENT_FAILS"):
    sys.exit("fatal: " + os.environ["AGENT_FAILS"])
if arguments[:2] == ["oidc", "request-token"] and arguments[2] == "--audience":
    print(os.environ["AGENT_TOKEN"])
elif arguments != ["redactor", "add"]:
    sys.exit("Incorrect Usage.")
"""
_CIRCLECI = """\
import json, os, sys
here = os.path.dirname(os.path.abspath(sys.argv[0]))
arguments = sys.argv[1:]
with open(os.path.join(here, "calls"), "a") as file:
    file.write(json.dumps({"arguments": arguments, "stdin": "", "claims": None}) + "\\n")
if arguments[:3] != ["run", "oidc", "get"] or list(json.loads(arguments[4])) != ["aud"]:
    sys.exit("Error: unknown command")
print(os.environ["AGENT_TOKEN"])
"""


def install(folder: Path) -> None:
    """Write `buildkite-agent` and `circleci` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, program in (("buildkite-agent", _BUILDKITE), ("circleci", _CIRCLECI)):
        path = folder / name
        path.write_text(f"#!{sys.executable} -I\n{program}", encoding="utf-8")
        path.chmod(0o755)


def calls(folder: Path) -> list[dict[str, object]]:
    """Return what the programs of a folder recorded."""
    try:
        lines = (folder / "calls").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]


def jwt_for(audience: object) -> str:
    """Return text in the form of a JWT with this audience; nothing verifies it."""
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, {"aud": audience}))
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "c2ln"])
