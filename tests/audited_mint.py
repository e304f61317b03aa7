"""Run a mint process and check all its audit events against their schema when it ends."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from fullsend_sandbox.process import STOP_SECONDS, MintProcess
from tests.fork.client import fork_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fullsend_sandbox.process import Running

SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "audit-event.schema.json"
_SHOWN = 5


class AuditedMint(MintProcess):
    """One mint process; its end fails if one of its audit events breaks the schema."""

    def stop(self, *, within: float = STOP_SECONDS) -> int:
        returncode = super().stop(within=within)
        self._hold_to_schema()
        return returncode

    def kill(self) -> None:
        super().kill()
        self._hold_to_schema()

    def _hold_to_schema(self) -> None:
        broken = schema_errors(events(self.logs()))
        assert not broken, "audit events break docs/audit-event.schema.json:\n" + "\n".join(broken[:_SHOWN])


class ForkedMint(AuditedMint):
    """One mint process, forked where its packages are imported already; for tests that are not about its start."""

    def _spawn(self, command: Sequence[str], environment: Mapping[str, str], source: Path) -> Running:
        return fork_server().popen(command, env=environment, cwd=source)


def events(lines: Iterable[str]) -> list[dict[str, Any]]:
    """The audit events among a mint's log lines."""
    entries = [
        json.loads(line) for line in lines if '"audit":' in line and line.startswith("{") and line[-1:] == "}"
    ]
    return [entry["audit"] for entry in entries if "audit" in entry]


def schema_errors(found: Iterable[dict[str, Any]]) -> list[str]:
    """The problem of each invalid event, one sentence each."""
    return [
        f"{_path(error)}: {error.message[:500]} (event of request {event.get('request_id')})"
        for event in found
        for error in validator().iter_errors(event)
    ]


@cache
def validator() -> jsonschema_rs.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text())
    jsonschema_rs.meta.validate(schema)
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def _path(error: jsonschema_rs.ValidationError) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
    return "$" + "".join(steps)
