"""The client of a mint: identity in, installation token out, revoked at the end.

Decides which mint is asked when, and what its answer means to the caller. Keeps no token on disk and
prints nothing.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self, TypeVar

import requests

from fullsend.client.errors import (
    AmbientIdentityError,
    GitHubTokenError,
    MintAnswerError,
    MintClientError,
    MintConfigurationError,
    MintRefusedError,
    MintUnreachableError,
)
from fullsend.client.github import DEFAULT_API_URL, FRESH_SECONDS, TokenApi
from fullsend.client.identity import DEFAULT_AUDIENCE, ambient_token
from fullsend.client.retry import TOO_MANY_REQUESTS, Attempts, RetryPolicy, is_retryable, retry_after
from fullsend.client.transport import Answer, NoAnswerError, exchange
from fullsend.client.types import (
    MintedToken,
    MintStatus,
    is_token,
    json_object,
    one_line,
    parse_status,
    parse_token,
)
from fullsend.client.urls import credential_url

if TYPE_CHECKING:
    from types import TracebackType

Identity = Callable[[str], str]
"""Audience in, OIDC token out. Raises `AmbientIdentityError`."""
T = TypeVar("T")
OK = 200
MIN_REQUEST_SECONDS = 1.0
GITHUB_SECONDS = 20.0
"""The bound on a revocation, or on waiting until a token is usable."""

_log = logging.getLogger("fullsend.client")


class MintClient:
    """Mints tokens for the job this runs in; as a context manager it revokes them when the block ends.

    Several mint URLs are tried in order: the next one when a mint is unreachable or answers 5xx. All of them
    see the same OIDC token, so list only mints that you trust alike.
    """

    def __init__(
        self,
        mint_urls: str | Sequence[str],
        *,
        audience: str = DEFAULT_AUDIENCE,
        identity: Identity | None = None,
        github_api_url: str = DEFAULT_API_URL,
        retry: RetryPolicy | None = None,
        session: requests.Session | None = None,
    ) -> None:
        """Raise `MintConfigurationError` for a URL that a credential may not be sent to.

        `identity` defaults to the job's own token, found by the library `id`.
        """
        urls = [mint_urls] if isinstance(mint_urls, str) else list(mint_urls)
        if not urls:
            raise MintConfigurationError("No mint URL was given.", code="mint_url_invalid")
        self._urls = [credential_url(url, what="The mint URL", example="https://mint.example.com") for url in urls]
        self._audience = audience
        self._identity = identity or (lambda wanted: ambient_token(wanted, os.environ))
        self._retry = retry or RetryPolicy()
        self._session = session or requests.Session()
        patience = replace(self._retry, total_seconds=min(self._retry.total_seconds, GITHUB_SECONDS))
        self._github = TokenApi(github_api_url, self._session, patience)
        self._unrevoked: dict[str, float] = {}  # token → when it was made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for token in list(self._unrevoked):
            try:
                self.revoke(token)
            except GitHubTokenError as failure:
                # The work is done and the token dies within the hour: worth a warning, not a failed job.
                _log.warning("%s %s", failure.message, failure.remedy)

    def mint(self, role: str, repos: Sequence[str] = ()) -> MintedToken:
        """Return a token for a role, scoped to bare repository names; none means the whole installation.

        Raises `MintClientError`; see `fullsend.client.errors` for which.
        """
        body = {"role": role, "repos": list(repos)}
        minted = self._ask("POST", "/v1/token", body, parse_token)
        self._unrevoked[minted.token] = self._retry.now()
        return minted

    def status(self) -> MintStatus:
        """Return what the mint would allow this job. Raises `MintClientError`."""
        return self._ask("GET", "/v1/status", None, parse_status)

    def wait_usable(self, token: str) -> None:
        """Wait until GitHub takes a fresh token. Raises `GitHubTokenError`."""
        self._github.wait_usable(token)

    def revoke(self, token: str) -> bool:
        """Revoke a token now; False when it was gone already. Raises `GitHubTokenError`."""
        made = self._unrevoked.get(token)
        fresh = made is not None and self._retry.now() - made < FRESH_SECONDS
        revoked = self._github.revoke(token, fresh=fresh)
        self._unrevoked.pop(token, None)
        return revoked

    def _ask(self, method: str, path: str, body: object, parse: Callable[[bytes, str], T]) -> T:
        question = _Question(method, path, body, self._identity(self._audience))
        attempts = self._retry.start()
        while True:
            failures: list[MintClientError] = []
            waits: list[float] = []
            for url in self._urls:
                try:
                    answer = question.put_to(url, self._session, attempts)
                except NoAnswerError as error:
                    failures.append(
                        MintUnreachableError(f"The mint did not answer: {error}.", code="mint_unreachable")
                    )
                    waits.append(0.0)
                    continue
                if answer.status == OK:
                    return _parsed(parse, answer, url)
                failures.append(_refusal(answer, url))
                if not is_retryable(answer.status):
                    raise failures[-1]
                waits.append(retry_after(answer.headers) or 0.0)
                if answer.status == TOO_MANY_REQUESTS:
                    waits = waits[-1:]  # this mint works and says wait: going round it would defeat its limit
                    break
            if not attempts.wait(min(waits)):
                raise _together(failures)


@dataclass(frozen=True, slots=True)
class _Question:
    """One request, the same for each mint and each attempt: the mints' logs show them under one id."""

    method: str
    path: str
    body: object
    unverified_identity: str = field(repr=False)
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        if not is_token(self.unverified_identity):
            raise AmbientIdentityError(
                "What the CI system gave as the OIDC token is not one.", code="oidc_request_failed"
            )

    def put_to(self, url: str, session: requests.Session, attempts: Attempts) -> Answer:
        return exchange(
            session,
            self.method,
            url + self.path,
            bearer=self.unverified_identity,
            seconds=max(attempts.left, MIN_REQUEST_SECONDS),
            json=self.body,
            headers={"Accept": "application/json", "X-Request-Id": self.request_id},
        )


def _together(failures: Sequence[MintClientError]) -> MintClientError:
    """Make one error of those of a last round: a mint's own word counts for more than silence."""
    told = next((failure for failure in failures if failure.request_id), failures[-1])
    if len(failures) == 1:
        return told
    sentences = " / ".join(failure.message for failure in failures)
    return MintUnreachableError(
        f"None of {len(failures)} mints gave an answer that counts: {sentences}",
        code=told.code,
        status=told.status,
        request_id=told.request_id,
    )


def _parsed(parse: Callable[[bytes, str], T], answer: Answer, url: str) -> T:
    try:
        return parse(answer.body, url)
    except ValueError as error:
        raise MintAnswerError(
            f"What answers at {url} is not a mint: {one_line(str(error))}.",
            code="not_a_mint",
            status=answer.status,
        ) from None


def _refusal(answer: Answer, url: str) -> MintClientError:
    """Turn an answer that is not 200 into the error to raise, in the mint's own words if they are there."""
    kind = MintUnreachableError if is_retryable(answer.status) else MintRefusedError
    try:
        fields: Mapping[str, object] = json_object(answer.body)
    except ValueError:
        fields = {}
    sentence, code, request_id = fields.get("error"), fields.get("code"), fields.get("request_id")
    if isinstance(sentence, str) and isinstance(code, str):
        return kind(
            one_line(sentence),
            code=one_line(code),
            status=answer.status,
            request_id=one_line(request_id) if isinstance(request_id, str) else None,
        )
    if is_retryable(answer.status):
        return kind(f"{url} answers {answer.status}.", code="mint_unreachable", status=answer.status)
    return MintAnswerError(
        f"What answers at {url} is not a mint: it answers {answer.status} without the mint's error.",
        code="not_a_mint",
        status=answer.status,
    )
