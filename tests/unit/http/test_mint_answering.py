"""An answer leaves in one send, with the framing that its request and status need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser

from mintcore.http.answering import FixedSettings, answer
from mintcore.http.connection import RequestBytes

if TYPE_CHECKING:
    from collections.abc import Iterable

PEER = ("127.0.0.1", 40000)


class Line:
    """A connection that keeps what is sent, one entry for each send."""

    def __init__(self) -> None:
        self.sends: list[bytes] = []
        self.sock = self
        self.client, self.server = PEER, ("127.0.0.1", 8080)
        self.broken = False

    def sendall(self, data: bytes) -> None:
        if self.broken:
            raise BrokenPipeError
        self.sends.append(data)


class Log:
    def __init__(self) -> None:
        self.statuses: list[str] = []

    def access(self, response: Any, _req: object, _environ: object, _took: object) -> None:
        self.statuses.append(f"{response.status} {response.sent}")


def exchange(
    line: Line, log: Log, *, method: str = "GET", status: str = "200 OK", length: bool = True, last: bool = False
) -> bool:
    source = RequestBytes()
    settings = FixedSettings(Config())
    source.data = f"{method} /health HTTP/1.1\r\nHost: mint\r\n\r\n".encode()
    request = next(get_parser(settings, source, PEER))

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        assert environ["wsgi.multithread"]
        fields = [("Content-Type", "text/plain"), *([("Content-Length", "4")] if length else [])]
        start_response(status, fields)
        return [b"bo", b"dy"]

    return answer(request, line, settings, application, log, last=last)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [True, False])
def test_head_and_body_leave_in_one_send_with_their_length(length: bool) -> None:
    line, log = Line(), Log()
    assert exchange(line, log, length=length)
    [sent] = line.sends
    head, _, body = sent.partition(b"\r\n\r\n")
    assert body == b"body"
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.lower().count(b"content-length: 4") == 1
    assert b"transfer-encoding" not in head.lower()
    assert log.statuses == ["200 OK 4"]


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Same")])
@pytest.mark.parametrize("length", [True, False])
def test_an_answer_without_a_body_has_none(method: str, status: str, length: bool) -> None:
    line = Line()
    assert exchange(line, Log(), method=method, status=status, length=length)
    assert line.sends[0].endswith(b"\r\n\r\n")
    assert len(line.sends) == 1


def test_the_last_answer_says_so() -> None:
    line = Line()
    assert not exchange(line, Log(), last=True)
    assert b"Connection: close\r\n" in line.sends[0]


def test_an_answer_that_cannot_be_sent_is_logged_all_the_same() -> None:
    line, log = Line(), Log()
    line.broken = True
    with pytest.raises(BrokenPipeError):
        exchange(line, log)
    assert log.statuses == ["200 OK 0"]


def test_settings_are_those_of_the_server() -> None:
    cfg = Config()
    cfg.set("limit_request_line", 1234)
    settings = FixedSettings(cfg)
    assert (settings.limit_request_line, settings.is_ssl) == (1234, cfg.is_ssl)
    with pytest.raises(AttributeError):
        _ = settings.nothing
