"""Declare the errors that only the mint's operator can fix."""

from __future__ import annotations

from mintcore.errors.base import TELL_OPERATOR, MintError


class ServerError(MintError):
    """The operator has to act; the caller cannot."""


class InvalidRoleKey(ServerError):
    """The stored key of the role is unusable."""

    code = "invalid_role_key"
    status = 500
    sentence = "The stored App key of the role is unusable; the mint's operator has to replace it."
    cause = "The stored App key is not a usable key, or GitHub refuses what it signs."
    caller_fix = f"The mint's App key for this role is unusable. {TELL_OPERATOR}"
    operator_fix = (
        "Create a new key in the App's settings and store it: `fullsend mint rotate-key ROLE --pem FILE`."
    )


class InternalError(ServerError):
    """The mint failed unexpectedly."""

    code = "internal_error"
    status = 500
    sentence = "The mint failed; give the request_id to its operator."
    cause = "The mint failed in an unexpected way."
    caller_fix = TELL_OPERATOR
    operator_fix = (
        "Search the log for the request id. An entry of severity CRITICAL is an incident: treat it as one."
    )


class Incident(InternalError):
    """A service's answer contradicts what must always hold. Nothing is minted, and the log entry is CRITICAL."""


class OtherAccount(Incident):
    """GitHub's installation for a name belongs to another account; ``account_id`` is that account's id."""

    def __init__(self, public: str = "", *, detail: str = "", account_id: str = "") -> None:
        super().__init__(public, detail=detail)
        self.account_id = account_id
