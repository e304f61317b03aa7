"""Why a connection failed, in the words of whoever knows: the innermost exception's."""

from __future__ import annotations

MOST = 10


def cause(error: BaseException) -> str:
    """Return the reason in a few words, without the URL or the headers that exceptions carry on their way out."""
    innermost = error
    for _ in range(MOST):
        innermost = innermost.__cause__ or innermost.__context__ or innermost
    said = innermost.strerror if isinstance(innermost, OSError) else None
    return said or type(innermost).__name__
