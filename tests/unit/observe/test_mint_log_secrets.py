"""No line of the log shows a secret, and every line stays JSON."""

from __future__ import annotations

import contextlib
import io
import json
import os

import pytest

from mintcore.errors import (
    InvalidToken,
)
from mintcore.observe.log import JsonLog
from mintcore.secret import redact
from tests.unit.observe.audit_records import JWT, TOKEN, failed, lines

PEM = "-----BEGIN RSA PRIVATE KEY-----\nY2FuYXJ5\nY2FuYXJ5\n-----END RSA PRIVATE KEY-----\n"
SECRETS = {
    "classic token": TOKEN,
    "JWT": JWT,
    "token of the newer form": f"ghs_{JWT}",
    "PEM": PEM,
    "half a PEM": PEM[:60],
}


AROUND = ["{}", "x {} y", "x\n{}\ny", "\t{}", "\u00e9{}", '"{}"', "'{}'", "={}", "\\{}", "\x01{}", "({})", ":{}"]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_that_came_into_a_log_line_is_taken_out_and_the_line_stays_json(secret: str, around: str) -> None:
    stream = io.StringIO()
    JsonLog(stream).write("ERROR", around.format(secret), {"cause": [around.format(secret)], "last": "kept"})
    text = stream.getvalue()
    parts = [part for line in secret.splitlines() for part in line.split(".") if "KEY" not in part]
    assert not [part for part in parts if part.removeprefix("ghs_") in text]
    assert json.loads(text)["last"] == "kept"
    assert text.count("\n") == 1


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_is_taken_out_of_a_plain_text(secret: str) -> None:
    shown = redact(f"before {secret}")
    assert shown.startswith("before <redacted>")
    assert "canary" not in shown
    assert "Y2Fu" not in shown


@pytest.mark.parametrize(
    "text",
    ["-----BEGIN KEY-----", "-----BEGIN X KEY----- \\", '-----BEGIN KEY-----"\\"x', "-----BEGIN KEY-----\\\\"],
)
def test_a_claim_that_looks_like_a_key_does_not_make_the_event_vanish(text: str) -> None:
    (line,) = lines(failed(InvalidToken(detail=f"issuer is {text}")))
    assert line["audit"]["code"] == "invalid_token"


@pytest.mark.parametrize("text", ["plain", "keyboard.eyelid.yes", "ghost_town", "octo-org/app", "sha " + "a" * 40])
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


def test_what_json_cannot_hold_is_written_all_the_same() -> None:
    stream = io.StringIO()
    JsonLog(stream).write("INFO", "x\nwith a line break \ud800", {"thing": object(), "nan": float("nan")})
    assert len(stream.getvalue().splitlines()) == 1


def test_a_log_that_is_no_longer_read_stops_no_request(capsys: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        os.close(reading)
        log = JsonLog(stream)
        assert json.loads(log.write("INFO", "kept"))["message"] == "kept"
        assert '"message":"kept"' in capsys.readouterr().err
        with contextlib.suppress(BrokenPipeError):
            stream.close()
        assert json.loads(log.write("INFO", "closed"))["message"] == "closed"
