"""The operator's messages about GitHub's refusals."""

from __future__ import annotations

from fullsend.github.credentials import Credentials
from fullsend.github.github_errors import refusal
from fullsend.net.answer import Answer
from mintcore.secret import Secret


def test_a_token_that_github_does_not_accept_may_also_be_wrong() -> None:
    credentials = Credentials(Secret("bad"), "GH_TOKEN", "https://api.github.com")
    told = refusal(Answer(401, {}, b'{"message": "Bad credentials"}'), "read", "octo-org", credentials)
    assert told.message == (
        "GitHub does not accept the token from GH_TOKEN (401): it is wrong, has expired or was revoked."
    )
    assert told.remedy.startswith("Set GH_TOKEN to a token with the scopes")
