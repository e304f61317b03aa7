"""One question, put to one mint or several until an answer counts.

Decides which mint is asked when, what is asked again, and what an answer means to the caller.
"""

from __future__ import annotations

import math
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
# A sleep may end a moment early by the clock that is read here.
_EARLY_SECONDS = 0.01


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

    No mint is asked before the time it asked for; one whose failure somebody has to mend is not asked again.
    """
    attempts = retry.start()
    mints = [_Mint(url) for url in urls]
    while True:
        now = retry.now()
        for mint in (mint for mint in mints if mint.not_before <= now + _EARLY_SECONDS):
            answer = mint.ask(question, session, attempts, retry)
            if answer is not None:
                return _parsed(parse, answer, mint.url)
            if mint.limits:
                # This mint works and says wait: going round it would defeat its limit.
                for other in mints:
                    other.not_before = max(other.not_before, mint.not_before)
                break
        left = [mint for mint in mints if not mint.final]
        failures = [mint.failure for mint in mints if mint.failure is not None]
        wait = min((mint.not_before for mint in left), default=0.0) - retry.now()
        why = next((mint.failure.message for mint in reversed(left) if mint.failure is not None), "")
        if not left or not attempts.wait(max(0.0, wait), why=why):
            raise _together(failures)


@dataclass(slots=True)
class _Mint:
    """One of the mints that are asked, and how the last question to it went."""

    url: str
    not_before: float = 0.0
    failure: MintClientError | None = None
    final: bool = False
    limits: bool = False

    def ask(
        self, question: Question, session: requests.Session, attempts: Attempts, retry: RetryPolicy
    ) -> Answer | None:
        """Return an answer that counts; None for one that leaves it to the next mint, or to the next round.

        Raises `MintRefusedError` or `MintAnswerError` for what no other mint can make good.
        """
        self.limits = False
        try:
            answer = question.put_to(self.url, session, attempts)
        except CertificateError as error:
            self._never_again(_silent(error, "mint_certificate_refused"))
            return None
        except NoAnswerError as error:
            self.failure = _silent(error, "mint_unreachable")
            return None
        if answer.status == OK:
            return answer
        failure = _refusal(answer, self.url)
        if not is_retryable(answer.status):
            raise failure
        if failure.code in PERMANENT:
            self._never_again(failure)
            return None
        self.failure = failure
        self.not_before = retry.now() + (retry_after(answer.headers) or 0.0)
        self.limits = answer.status == TOO_MANY_REQUESTS
        return None

    def _never_again(self, failure: MintClientError) -> None:
        self.failure, self.final, self.not_before = failure, True, math.inf


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
