"""The caller's side of the mint, as a library.

    with MintClient("https://mint.example.com") as client:
        token = client.mint("coder", repos=["my-repo"])
        ...                               # token.token, token.expires_at, token.granted_repos
                                          # revoked here, however the block ends

Everything else in this package is private to it and to the command line.
"""

from fullsend.client.errors import (
    AmbientIdentityError,
    GitHubTokenError,
    MintAnswerError,
    MintClientError,
    MintConfigurationError,
    MintRefusedError,
    MintUnreachableError,
)
from fullsend.client.mint import MintClient
from fullsend.client.types import MintedToken, MintStatus, StatusRule
from fullsend.net.retry import RetryPolicy

__all__ = [
    "AmbientIdentityError",
    "GitHubTokenError",
    "MintAnswerError",
    "MintClient",
    "MintClientError",
    "MintConfigurationError",
    "MintRefusedError",
    "MintStatus",
    "MintUnreachableError",
    "MintedToken",
    "RetryPolicy",
    "StatusRule",
]
