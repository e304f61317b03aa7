"""Define what each error code declares, and how an error becomes an answer.

``make docs`` generates docs/errors.md, the action's ``hints.json`` and the client's remedies from the declarations.
Tests compare docs/openapi.yaml with them.
"""

from __future__ import annotations

from typing import ClassVar

TELL_OPERATOR = "Your workflow cannot fix this. Give the mint's operator the code and the request id."


class MintError(Exception):
    """A request that ends without a token.

    ``retry_after`` is in whole seconds and becomes the ``Retry-After`` header. ``lasting`` means that a retry does
    not help, although clients usually retry the status. ``withdrawn`` is a token that was created nevertheless:
    GitHub's hash of it, and whether it is revoked.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    sentence: ClassVar[str]
    """The caller's sentence where the code that raises has no more exact one."""
    cause: ClassVar[str]
    caller_fix: ClassVar[str]
    """The advice of the command line and the library."""
    operator_fix: ClassVar[str] = ""
    """The advice for the mint's operator; empty if only the caller can act."""
    action_fix: ClassVar[str] = ""
    """The advice of the GitHub action, if ``caller_fix`` names options that the action does not have."""
    lasting: ClassVar[bool] = False

    def __init__(self, public: str = "", *, detail: str = "", retry_after: int | None = None) -> None:
        self.public = public or self.sentence
        self.detail = detail or self.public
        self.retry_after = retry_after
        self.withdrawn: tuple[str, bool] | None = None
        super().__init__(f"{self.code}: {self.detail}")

    def headers(self) -> dict[str, str]:
        """Return the HTTP headers that belong to this failure."""
        if self.lasting:
            return {"X-Should-Retry": "false"}
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
