"""List the declarations of all error codes, for the pages and texts that are generated from them.

A running mint does not import this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mintcore.errors import ClientError, Denied, InstallationError, InvalidToken, ServerError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mintcore.errors import MintError


class ErrorCode(NamedTuple):
    """The declaration of one code; :class:`~mintcore.errors.MintError` explains the texts.

    ``status`` is 0 for a code that only the client raises. ``retry`` means that the same request may succeed later.
    """

    status: int
    cause: str
    caller_fix: str
    sentence: str = ""
    retry: bool = False
    operator_fix: str = ""
    action_fix: str = ""


def _codes(kind: type[MintError]) -> Iterator[tuple[str, ErrorCode]]:
    """Yield the codes of one branch of the tree."""
    if "code" in vars(kind):
        retry = issubclass(kind, TransientError)
        yield (
            kind.code,
            ErrorCode(
                kind.status, kind.cause, kind.caller_fix, kind.sentence, retry, kind.operator_fix, kind.action_fix
            ),
        )
    for narrower in kind.__subclasses__():
        yield from _codes(narrower)


TABLE: Mapping[str, ErrorCode] = {
    code: declared
    for branch in (ClientError, InvalidToken, Denied, InstallationError, TransientError, ServerError)
    for code, declared in _codes(branch)
}
