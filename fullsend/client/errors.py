"""Define the errors of the client in one tree.

    MintClientError
    ├── MintConfigurationError   a URL that may not be used                  code mint_url_… or github_url_invalid
    ├── AmbientIdentityError     no OIDC token for this job                  code oidc_…
    ├── MintUnreachableError     no answer, or only 408, 425, 429, 5xx       a mint's, or mint_…
    ├── MintRefusedError         the mint answered 4xx                       the mint's code
    ├── MintAnswerError          the server is not a mint                    code not_a_mint
    └── GitHubTokenError         GitHub refused a token or its revocation    code github_…

Every error says what happened (`message`) and what to change (`remedy`). Neither ever holds a token.
"""

from __future__ import annotations

import re

from fullsend.client.remedies import remedy_for
from fullsend.failure import Failure

FIX = " Fix: "
"""The separator between a mint's sentence and its fix."""
_FIX = re.compile(r"(?:^|(?<=\s))Fix:")


class MintClientError(Failure):
    """The client gives up; `code` is stable, `status` and `request_id` are a mint's."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int | None = None,
        request_id: str | None = None,
        nothing_was_sent: bool = False,
    ) -> None:
        # A mint's sentence may end with a fix for this request; that fix replaces the code's general remedy.
        told, *fixes = (part.strip() for part in _FIX.split(message))
        if not told and status is not None:
            told = f"The mint answered {status} without a message."
        super().__init__(told, " ".join(filter(None, fixes)), code=code)
        self.nothing_was_sent = nothing_was_sent
        self.status = status
        self.request_id = request_id

    @property
    def remedy(self) -> str:
        """The mint's fix, or the code's general remedy."""
        return self._remedy or remedy_for(self.code)


class MintConfigurationError(MintClientError):
    """The caller's own settings are wrong; nothing was sent."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message, code=code, nothing_was_sent=True)


class AmbientIdentityError(MintClientError):
    """This job has no OIDC token."""


class MintUnreachableError(MintClientError):
    """No mint answered within the time limit, or all answered with a transient failure."""


class MintRefusedError(MintClientError):
    """The mint refused the request; repeating it gets the same answer."""


class MintAnswerError(MintClientError):
    """The server does not speak the mint's protocol."""


class GitHubTokenError(MintClientError):
    """GitHub did not accept a token, or did not revoke it."""
