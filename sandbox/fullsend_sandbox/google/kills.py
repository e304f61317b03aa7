"""Let only the first few writes succeed, as for a command that is killed between two steps."""

import threading

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.faults import Answer, Fault, Faults

SUCCESS = range(200, 300)
READING_VERBS = ("getIamPolicy", "testIamPermissions")


class WriteBudget:
    """How many more writes, on all APIs together, succeed; thread-safe. No budget: all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: int | None = None
        self._lose_last_answer = False
        self.done = 0
        """Writes that succeeded so far."""

    def set(self, writes: int | None, *, lose_last_answer: bool = False) -> None:
        """Let this many writes succeed; after them the connection of each is dropped. None ends this."""
        with self._lock:
            self._left = writes
            self._lose_last_answer = lose_last_answer

    def apply(self, answer: Answer, stopping: threading.Event) -> Response | None:  # noqa: ARG002
        """Answer while there is budget; a refused write costs none."""
        with self._lock:  # one write at a time, so that the count is exact
            if self._left == 0:
                return None
            response = answer()
            if response.status_code in SUCCESS:
                self.done += 1
                if self._left is not None:
                    self._left -= 1
                    return None if self._left == 0 and self._lose_last_answer else response
            return response


class BudgetedFaults(Faults):
    """Faults of one API; a write that none of them hits is for the budget to decide."""

    def __init__(self, budget: WriteBudget) -> None:
        super().__init__()
        self._budget = budget

    def match(self, request: Request) -> Fault | None:
        """Return the fault for this request, or the budget for a write."""
        fault = super().match(request)
        reads = request.method == "GET" or request.path.endswith(READING_VERBS)
        return fault if fault is not None or reads else self._budget
