"""Exchange the job's identity for installation tokens, and revoke them at the end.

:class:`MintClient` finds the identity and revokes its tokens; `ask_mints.py` sends the requests. It writes no token
to disk and prints nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Self, TypeVar

from fullsend.client.ask_mints import Question, ask
from fullsend.client.errors import GitHubTokenError, MintConfigurationError
from fullsend.client.identity import DEFAULT_AUDIENCE, IDENTITY_SECONDS, ambient_token
from fullsend.client.mint_request import MintRequest, check_text, mint_request
from fullsend.client.token_api import FRESH_SECONDS, GITHUB_SECONDS, TokenApi, unknown_to
from fullsend.client.types import MintedToken, MintStatus, parse_status, parse_token
from fullsend.github.api import job_api_url
from fullsend.net.retry import RetryPolicy
from fullsend.net.transport import Transport
from fullsend.net.urls import UnsafeUrlError, credential_url

if TYPE_CHECKING:
    from types import TracebackType

Identity = Callable[[str], str]
"""Audience in, OIDC token out. Raises `AmbientIdentityError`."""
T = TypeVar("T")

_log = logging.getLogger("fullsend.client")


class MintClient:
    """Mints tokens for the job in which it runs; as a context manager it revokes them when the block ends.

    Several mint URLs are tried in order: the next one when a mint is unreachable or answers 5xx. Each request
    carries a fresh OIDC token that every listed mint accepts, so list only mints that you trust equally.
    """

    def __init__(
        self,
        mint_urls: str | Sequence[str],
        *,
        audience: str = DEFAULT_AUDIENCE,
        identity: Identity | None = None,
        github_api_url: str | None = None,
        retry: RetryPolicy | None = None,
        transport: Transport | None = None,
    ) -> None:
        """Raise TypeError, or `MintConfigurationError` for a URL that a credential may not be sent to.

        `identity` defaults to the job's own token; `github_api_url` to the job's GitHub, which is
        `GITHUB_API_URL` or api.github.com.
        """
        urls = _list_of(mint_urls)
        check_text("audience", audience)
        if github_api_url is not None:
            check_text("github_api_url", github_api_url)
        if identity is not None and not callable(identity):
            # The value is not shown: it may be a token.
            kind = type(identity).__name__
            raise TypeError(f"identity is a function from the audience to the OIDC token, not {kind}")
        if retry is not None and not isinstance(retry, RetryPolicy):
            raise TypeError(f"retry is a RetryPolicy, not {type(retry).__name__}")
        if not urls:
            raise MintConfigurationError("No mint URL was given.", code="mint_url_invalid")
        self._urls = [_mint_url(url) for url in urls]
        self._audience = audience
        self._retry = retry or RetryPolicy()
        self._transport = transport or Transport()
        self._identity = identity
        api_url = job_api_url(os.environ) if github_api_url is None else github_api_url
        self._github = TokenApi(api_url, self._transport, self._within(GITHUB_SECONDS))
        self._unrevoked: dict[str, float] = {}  # token → when it was made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sentence in self.revoke_all():
            # The work is done and the token expires within the hour, so a warning is enough.
            _log.warning("%s", sentence)

    def mint(
        self,
        role: str,
        repos: Sequence[str] | None = None,
        *,
        level: str | None = None,
        permissions: Mapping[str, str] | None = None,
        target_org: str | None = None,
    ) -> MintedToken:
        """Return a token for a role.

        `repos` are names of repositories of the caller's owner (or of `target_org`). `["*"]` is the whole
        installation, None the mint's default. `level` and `permissions` narrow the role. Raises TypeError for a
        string in place of a list, `MintClientError` for the rest; see `fullsend.client.errors`.
        """
        return self.mint_checked(
            mint_request(
                role, repos, level=level, permissions=permissions, target_org=target_org, owner=job_owner()
            )
        )

    def mint_checked(self, request: MintRequest) -> MintedToken:
        """Return a token for a request that was checked before. Raises `MintClientError`."""
        minted = self._ask("POST", "/v1/token", request.body(), parse_token)
        self._unrevoked[minted.token] = self._retry.now()
        return minted

    def status(
        self,
        role: str = "",
        repos: Sequence[str] | None = None,
        *,
        level: str | None = None,
        target_org: str | None = None,
    ) -> MintStatus:
        """Return what the mint would allow this job; with a role, every rule and its result.

        Raises TypeError or `MintClientError`, as `mint` does.
        """
        return self.status_of(mint_request(role, repos, level=level, target_org=target_org, owner=job_owner()))

    def status_of(self, request: MintRequest) -> MintStatus:
        """Return the status for a request that was checked before. Raises `MintClientError`."""
        return self._ask("GET", f"/v1/status{request.query()}", None, parse_status)

    def wait_usable(self, token: str) -> None:
        """Wait until GitHub accepts a fresh token. Raises `GitHubTokenError`, or TypeError if it is not text."""
        _check_token(token)
        self._github.wait_usable(token)

    @property
    def unrevoked(self) -> tuple[str, ...]:
        """The tokens that this client has minted and not revoked."""
        return tuple(self._unrevoked)

    def revoke_all(self) -> list[str]:
        """Revoke the remaining tokens; return a sentence for each token that may still be valid."""
        told: list[str] = []
        for token in self.unrevoked:
            try:
                if not self.revoke(token):
                    told.append(
                        f"{unknown_to(self._github.api_url)}; it stays valid at its own GitHub until it expires."
                    )
            except GitHubTokenError as failure:
                # The caller never had this token, so the general remedy, "revoke it again", does not help.
                told.append(f"{failure.message} It stays valid until it expires, one hour after it was issued.")
        return told

    def revoke(self, token: str) -> bool:
        """Revoke a token now; False when GitHub does not know it.

        Raises `GitHubTokenError`, or TypeError if it is not text.
        """
        _check_token(token)
        made = self._unrevoked.get(token)
        fresh = made is not None and self._retry.now() - made < FRESH_SECONDS
        revoked = self._github.revoke(token, fresh=fresh)
        self._unrevoked.pop(token, None)
        return revoked

    def _ask(self, method: str, path: str, body: object, parse: Callable[[bytes, str], T]) -> T:
        question = Question(method, path, body, self._token_within)
        return ask(question, self._urls, self._transport, self._retry, parse)

    def _token_within(self, seconds: float) -> str:
        if self._identity is not None:
            return self._identity(self._audience)
        policy = self._within(min(seconds, IDENTITY_SECONDS))
        return ambient_token(self._audience, os.environ, self._transport, policy)

    def _within(self, seconds: float) -> RetryPolicy:
        return replace(self._retry, total_seconds=min(self._retry.total_seconds, seconds))


def _check_token(token: str) -> None:
    # The value is not shown: bytes may hold a token.
    if not isinstance(token, str):
        raise TypeError(f"token must be text, not {type(token).__name__}")


def job_owner() -> str:
    """Return the owner of the job's repository; empty if the environment does not name it."""
    return os.environ.get("GITHUB_REPOSITORY_OWNER") or os.environ.get("GITHUB_REPOSITORY", "").partition("/")[0]


def _list_of(mint_urls: object) -> list[str]:
    """Return the URLs. Raises TypeError, also for the None that `os.environ.get` gives for a missing variable."""
    if not isinstance(mint_urls, Sequence) or isinstance(mint_urls, bytes | bytearray):
        raise TypeError(f"mint_urls is a URL or a list of URLs, not {type(mint_urls).__name__}")
    urls = [mint_urls] if isinstance(mint_urls, str) else list(mint_urls)
    check_text("a URL in mint_urls", *urls)
    return urls


def _mint_url(url: str) -> str:
    try:
        return credential_url(url, what="The mint URL", example="https://mint.example.com")
    except UnsafeUrlError as error:
        raise MintConfigurationError(str(error), code="mint_url_invalid") from None
