"""Define the errors of operating a mint.

    OperateError
    ├── LoginExpired         Google rejects the credentials
    ├── MissingPermission    the operator lacks an IAM permission
    ├── ApiDisabled          the project has not enabled the API
    ├── QuotaExceeded        Google limits the calls
    ├── NotThere             a resource does not exist
    ├── Conflict             another operator wrote at the same time, or it exists already
    ├── PreconditionFailed   the project lacks something that the command needs; nothing was changed
    ├── NotReady             Google finished without the result, or did not in time
    └── GoogleFailed         any other refusal of Google's

`BadInput` and `GitHubError` of `fullsend.github` have the same base, `Failure`. `message` says what happened and
the usual cause, `remedy` the command or the console page that fixes it. Neither ever holds a key or a token.
"""

from __future__ import annotations

from fullsend.failure import BadInput, Failure

__all__ = [
    "AlreadyExists",
    "ApiDisabled",
    "BadInput",
    "Conflict",
    "GoogleFailed",
    "LoginExpired",
    "MissingPermission",
    "NotReady",
    "NotThere",
    "OperateError",
    "PreconditionFailed",
    "QuotaExceeded",
]


class OperateError(Failure):
    """Google refused, or is not in the state that the command needs."""


class LoginExpired(OperateError):
    """No usable Google credentials."""


class MissingPermission(OperateError):
    """The login lacks an IAM permission."""


class ApiDisabled(OperateError):
    """The project does not have the API."""


class QuotaExceeded(OperateError):
    """Google limits the calls, also after they were repeated."""


class NotThere(OperateError):
    """The resource does not exist."""


class Conflict(OperateError):
    """The resource changed meanwhile, or exists already."""


class AlreadyExists(Conflict):
    """The resource exists already, perhaps deleted and still reserved."""


class PreconditionFailed(OperateError):
    """The project lacks something that the command needs; nothing was changed."""


class NotReady(OperateError):
    """A long-running operation failed or did not finish in time."""


class GoogleFailed(OperateError):
    """Google refused for another reason."""
