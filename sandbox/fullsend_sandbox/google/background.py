"""Run work in threads after a call was answered: builds, new revisions, deletions."""

import logging
import threading
from collections.abc import Callable

from fullsend_sandbox.google.errors import RefusedError
from fullsend_sandbox.google.operations import Operation

JOIN_SECONDS = 60.0

_logger = logging.getLogger(__name__)


class Background:
    """Threads that end; `join` them before what they use is taken away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def run(self, operation: Operation, work: Callable[[], None]) -> None:
        """Do the work, which finishes the operation; where it raises RefusedError the operation fails."""

        def guarded() -> None:
            try:
                work()
            except RefusedError as refused:
                operation.fail(refused)
            except Exception:
                # A bug of the sandbox: log it loudly, and do not leave the operation unfinished.
                _logger.exception("sandbox operation %s failed", operation.name)
                operation.fail(RefusedError("INTERNAL", "The sandbox failed; see its log."))
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=guarded, name="google-operation", daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def join(self, seconds: float = JOIN_SECONDS) -> bool:
        """Wait until the work that runs now is done, at most this long for each piece; tell whether any ran."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(seconds)
        return bool(threads)
