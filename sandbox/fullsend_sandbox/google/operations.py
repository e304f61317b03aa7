"""Emulate long-running operations, which a write creates and a client polls (AIP-151).

Most work is finished when the operation is made, which then only reports it as done after some `seconds`. Builds,
new revisions and deletions run in the background; the code that does such work finishes its operation.
"""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.google.calls import Call
from fullsend_sandbox.google.errors import RefusedError, not_found

ANY = "type.googleapis.com/"


@dataclass
class Operation:
    """One operation; `finish` or `fail` it once."""

    name: str
    metadata: Mapping[str, Any]
    ready_at: float
    """Until this time (seconds since the epoch) it is not reported as done."""
    outcome: Mapping[str, Any] | None = None

    def finish(self, kind: str, response: Mapping[str, Any]) -> None:
        """Let it succeed with a message of this type, such as `google.iam.v1.Policy`."""
        self.outcome = {"response": {"@type": ANY + kind, **response}}

    def fail(self, refused: RefusedError) -> None:
        """Let it fail."""
        self.outcome = {"error": refused.rpc_status()}


class Operations:
    """The operations of one API."""

    def __init__(self, clock: Clock) -> None:
        self.seconds = 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._operations: dict[str, Operation] = {}

    def begin(self, parent: str, kind: str, metadata: Mapping[str, Any]) -> Operation:
        """Begin an operation under `parent` (may be empty), with metadata of this type."""
        name = f"{parent}/operations/{uuid.uuid4()}".removeprefix("/")
        operation = Operation(name, {"@type": ANY + kind, **metadata}, self._clock() + self.seconds)
        with self._lock:
            self._operations[name] = operation
        return operation

    def show(self, operation: Operation) -> dict[str, Any]:
        """Return it as JSON; only what is done has `done`, as protobuf's JSON leaves out what is false."""
        shown: dict[str, Any] = {"name": operation.name, "metadata": dict(operation.metadata)}
        if operation.outcome is None or self._clock() < operation.ready_at:
            return shown
        return shown | {"done": True} | dict(operation.outcome)

    def get(self, call: Call) -> dict[str, Any]:
        """Answer a poll. Raises RefusedError."""
        with self._lock:
            operation = self._operations.get(call.name)
        if operation is None:
            raise not_found(f"Operation {call.name} not found.")
        return self.show(operation)
