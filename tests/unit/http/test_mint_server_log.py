"""The line that the standalone server logs for each answer."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from mintcore.http.server_log import access_line
from mintcore.observe.log import JsonLog

JWT = f"eyJ{'a' * 300}.eyJ{'b' * 300}.{'c' * 300}"
TOKEN = "ghs_" + "A1b2" * 9


@pytest.mark.parametrize("field", ["HTTP_USER_AGENT", "PATH_INFO", "REQUEST_METHOD"])
@pytest.mark.parametrize(
    ("value", "secret"),
    [
        pytest.param(JWT, "eyJ", id="a JWT that is longer than the field"),
        pytest.param(TOKEN, "ghs_", id="a token"),
        pytest.param("/" * 184 + TOKEN, "ghs_", id="a token across the end of the field"),
        pytest.param("/" * 190 + JWT, "eyJ", id="a JWT across the end of the field"),
    ],
)
def test_a_secret_in_a_field_of_the_caller_is_redacted_before_the_field_is_cut(
    field: str, value: str, secret: str
) -> None:
    line = _logged({field: value})
    assert secret not in line


def test_fields_of_the_caller_are_bounded() -> None:
    assert len(_logged({"HTTP_USER_AGENT": "x" * 8000, "PATH_INFO": "/y" * 2000, "REQUEST_METHOD": "Z" * 99})) < 999


def test_the_line_shows_an_ordinary_request() -> None:
    line = _logged({"REQUEST_METHOD": "POST", "PATH_INFO": "/v1/token", "HTTP_USER_AGENT": "curl/8.5.0"})
    assert '"message":"POST /v1/token 200"' in line
    assert '"userAgent":"curl/8.5.0"' in line


def _logged(environ: dict[str, str]) -> str:
    answer = SimpleNamespace(status="200 OK", headers=[], sent=3)
    return JsonLog(io.StringIO()).write(*access_line(answer, environ, 0.1))
