"""One question, put to one mint or several until an answer counts.

Decides which mint is asked when, what is asked again, and what an answer means to the caller.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from fullsend.client.errors import (
    AmbientIdentityError,
    MintAnswerError,
    MintClientError,
    MintRefusedError,
    MintUnreachableError,
)
from fullsend.client.retry import PERMANENT, TOO_MANY_REQUESTS, is_retryable, retry_after
from fullsend.client.transport import Answer, CertificateError, NoAnswerError, exchange
from fullsend.client.types import is_token, json_object, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import requests

    from fullsend.client.retry import Attempts, RetryPolicy

T = TypeVar("T")
OK = 200
MIN_REQUEST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Question:
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
        """Send it to one mint. Raises `NoAnswerError`."""
        return exchange(
            session,
            self.method,
            url + self.path,
            bearer=self.unverified_identity,
            seconds=max(attempts.left, MIN_REQUEST_SECONDS),
            json=self.body,
            headers={"Accept": "application/json", "X-Request-Id": self.request_id},
        )


def ask(
    question: Question,
    urls: Sequence[str],
    session: requests.Session,
    retry: RetryPolicy,
    parse: Callable[[bytes, str], T],
) -> T:
    """Return the first answer that counts, parsed. Raises `MintClientError`.

    A mint whose failure somebody has to mend is passed over and not asked again.
    """
    attempts = retry.start()
    left, final = list(urls), list[MintClientError]()
    while True:
        failures: list[MintClientError] = []
        waits: list[float] = []
        for url in tuple(left):
            try:
                answer = question.put_to(url, session, attempts)
            except CertificateError as error:
                left.remove(url)
                final.append(_silent(error, "mint_certificate_refused"))
                continue
            except NoAnswerError as error:
                failures.append(_silent(error, "mint_unreachable"))
                waits.append(0.0)
                continue
            if answer.status == OK:
                return _parsed(parse, answer, url)
            failure = _refusal(answer, url)
            if not is_retryable(answer.status):
                raise failure
            if failure.code in PERMANENT:
                left.remove(url)
                final.append(failure)
                continue
            failures.append(failure)
            waits.append(retry_after(answer.headers) or 0.0)
            if answer.status == TOO_MANY_REQUESTS:
                waits = waits[-1:]  # this mint works and says wait: going round it would defeat its limit
                break
        if not left or not attempts.wait(min(waits), why=failures[-1].message):
            raise _together([*final, *failures])


def _silent(error: NoAnswerError, code: str) -> MintUnreachableError:
    return MintUnreachableError(f"The mint did not answer: {error}.", code=code)


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
        sentence = f"{url} answers {answer.status}, and it is not the mint that says so."
        return kind(sentence, code="mint_not_reached", status=answer.status)
    return MintAnswerError(
        f"What answers at {url} is not a mint: it answers {answer.status} without the mint's error.",
        code="not_a_mint",
        status=answer.status,
    )
