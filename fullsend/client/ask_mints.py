"""Send one request to one or several mints until an answer is final.

This module decides the order of the mints, the failures to retry, and the meaning of an answer.
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from fullsend.client.errors import (
    FIX,
    AmbientIdentityError,
    MintAnswerError,
    MintClientError,
    MintRefusedError,
    MintUnreachableError,
)
from fullsend.net.answer import is_token, one_line
from fullsend.net.failures import (
    CertificateError,
    NoAnswerError,
    ProxyError,
    TooLargeError,
    UnreadableBundleError,
    UnusableRouteError,
)
from fullsend.net.retry import (
    MIN_ATTEMPT_SECONDS,
    TOO_MANY_REQUESTS,
    Retry,
    is_retryable,
    repeat,
    retry_after,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fullsend.net.answer import Answer
    from fullsend.net.retry import RetryPolicy
    from fullsend.net.transport import Transport

T = TypeVar("T")
OK = 200
REQUEST_SECONDS = 40.0
"""Longer than the 25 s in which a mint answers, so its own `upstream_timeout` arrives."""
PERMANENT = frozenset({"internal_error", "invalid_role_key"})
"""Error codes of a mint with a 5xx that last until its operator acts; any other 5xx may pass."""
# A sleep may end a moment early by the clock that is read here.
_EARLY_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Question:
    """One request, the same for each mint and attempt, so all their logs have the same request id."""

    method: str
    path: str
    body: object
    identity: Callable[[float], str] = field(repr=False)
    """Returns an OIDC token within the given seconds; called per request: a mint may accept it only once."""
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def put_to(self, url: str, transport: Transport, policy: RetryPolicy, seconds: float) -> Answer:
        """Send the request to one mint. Raises `NoAnswerError`, or `AmbientIdentityError` without an OIDC token."""
        ends = policy.now() + seconds
        unverified_identity = self.identity(seconds)
        if not is_token(unverified_identity):
            raise AmbientIdentityError(
                "The function given as `identity` did not return a token. Fix: return the job's OIDC token as a "
                "string.",
                code="oidc_token_missing",
            )
        return transport.exchange(
            self.method,
            url + self.path,
            seconds=min(max(ends - policy.now(), MIN_ATTEMPT_SECONDS), REQUEST_SECONDS),
            authorization=f"Bearer {unverified_identity}",
            json=self.body,
            headers={"Accept": "application/json", "X-Request-Id": self.request_id},
        )


def ask(
    question: Question,
    urls: Sequence[str],
    transport: Transport,
    policy: RetryPolicy,
    parse: Callable[[bytes, str], T],
) -> T:
    """Return the first mint's answer, parsed. Raises `MintClientError`.

    Each mint's `Retry-After` is respected, and a mint is not asked again if only its operator can help.
    """
    mints = [_Mint(url) for url in urls]

    def ask_each(seconds: float) -> T | Retry[T]:
        now = policy.now()
        for mint in (mint for mint in mints if mint.not_before <= now + _EARLY_SECONDS):
            left = now + seconds - policy.now()
            if left < MIN_ATTEMPT_SECONDS:
                break
            answer = mint.ask(question, transport, policy, left)
            if answer is not None:
                parsed = _parsed(parse, answer, mint.url)
                for other in mints:
                    if other is not mint and other.failure is not None:
                        policy.on_skip(f"Skipped the mint at {other.url}: {other.failure.message}")
                return parsed
            if mint.limits:
                # This mint works and limits the caller: another mint must not be a way around its limit.
                for other in mints:
                    other.not_before = max(other.not_before, mint.not_before)
                break
        left_over = [mint for mint in mints if not mint.final]
        failure = _together([mint.failure for mint in mints if mint.failure is not None])
        if not left_over:
            raise failure
        why = next((mint.failure.message for mint in reversed(left_over) if mint.failure is not None), "")
        return Retry(failure, max(0.0, min(mint.not_before for mint in left_over) - policy.now()), why)

    return repeat(policy, ask_each)


@dataclass(slots=True)
class _Mint:
    """One mint, and the result of the last request to it."""

    url: str
    not_before: float = 0.0
    failure: MintClientError | None = None
    final: bool = False
    limits: bool = False

    def ask(self, question: Question, transport: Transport, policy: RetryPolicy, seconds: float) -> Answer | None:
        """Return the answer; None if the next mint or the next round may succeed.

        Raises `MintRefusedError` or `MintAnswerError` for a refusal that every mint would repeat.
        """
        self.limits = False
        ends = policy.now() + seconds
        try:
            answer = question.put_to(self.url, transport, policy, seconds)
        except UnusableRouteError as error:
            self._never_again(_silent(error, _code_of(error)))
            return None
        except TooLargeError:
            raise _not_a_mint(self.url, f"it sent more than {transport.max_body} bytes") from None
        except NoAnswerError as error:
            self.failure = _silent(error, "mint_unreachable")
            return None
        if answer.status == OK:
            return answer
        failure = _refusal(answer, self.url)
        if not is_retryable(answer.status):
            raise failure
        if failure.code in PERMANENT or answer.headers.get("x-should-retry", "").strip().lower() == "false":
            self._never_again(failure)
            return None
        asked = retry_after(answer.headers)
        late = asked + MIN_ATTEMPT_SECONDS > ends - policy.now()
        self.failure = _too_long(failure, asked) if late else failure
        self.not_before = policy.now() + asked
        self.limits = answer.status == TOO_MANY_REQUESTS
        return None

    def _never_again(self, failure: MintClientError) -> None:
        self.failure, self.final, self.not_before = failure, True, math.inf


def _code_of(error: UnusableRouteError) -> str:
    if isinstance(error, UnreadableBundleError):
        return "ca_bundle_unreadable"
    if isinstance(error, ProxyError):
        return "proxy_unusable"
    return "mint_certificate_refused" if isinstance(error, CertificateError) else "mint_unreachable"


def _silent(error: NoAnswerError, code: str) -> MintUnreachableError:
    return MintUnreachableError(f"The mint did not answer: {error}.", code=code)


def _together(failures: Sequence[MintClientError]) -> MintClientError:
    """Choose one error from the last round: prefer a mint's error over a network failure."""
    if not failures:
        return MintUnreachableError(
            f"No mint was asked, because the total time is shorter than {MIN_ATTEMPT_SECONDS} s. Fix: give more "
            "time "
            "with `RetryPolicy(total_seconds=…)`.",
            code="mint_unreachable",
        )
    told = next((failure for failure in failures if failure.request_id), failures[-1])
    if len(failures) == 1:
        return told
    sentences = " / ".join(failure.message for failure in failures)
    return MintUnreachableError(
        f"All {len(failures)} mints failed: {sentences}{FIX}{told.remedy}",
        code=told.code,
        status=told.status,
        request_id=told.request_id,
    )


def _parsed(parse: Callable[[bytes, str], T], answer: Answer, url: str) -> T:
    try:
        return parse(answer.body, url)
    except ValueError as error:
        raise _not_a_mint(url, one_line(str(error)), answer.status) from None


def _refusal(answer: Answer, url: str) -> MintClientError:
    """Turn an answer that is not 200 into the error to raise, with the mint's sentence if it sent one."""
    kind = MintUnreachableError if is_retryable(answer.status) else MintRefusedError
    try:
        fields: Mapping[str, object] = answer.json_object()
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
        sentence = f"{url} answers {answer.status} without the mint's error."
        return kind(sentence, code="mint_not_reached", status=answer.status)
    return _not_a_mint(url, f"it answers {answer.status} without the mint's error", answer.status)


def _not_a_mint(url: str, why: str, status: int | None = None) -> MintAnswerError:
    return MintAnswerError(f"The server at {url} is not a mint: {why}.", code="not_a_mint", status=status)


def _too_long(failure: MintClientError, asked: float) -> MintUnreachableError:
    """Say that the mint's `Retry-After` does not fit the time that is left; the code's remedy promises a retry."""
    told = failure.message if failure.message.endswith((".", "!", "?")) else f"{failure.message}."
    return MintUnreachableError(
        f"{told} The mint asks to wait {math.ceil(asked)} seconds, longer than the client waits."
        f"{FIX}Run the job again after that time. If the mint asks for the same again, tell its operator.",
        code=failure.code,
        status=failure.status,
        request_id=failure.request_id,
    )
