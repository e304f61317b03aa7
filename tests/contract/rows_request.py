"""Rows that are decided before the mint checks whether the token is genuine."""

from __future__ import annotations

import json

from tests.contract.table import NOTHING, Row, Sent, as_job


def _sent(**changes: object) -> Sent:
    return Sent(**{"token": "x.y.z", **changes})  # type: ignore[arg-type]


ROWS = (
    Row("unknown path", lambda _w: _sent(path="/v2/token"), 404, "not_found", calls=NOTHING),
    Row("path with a slash too many", lambda _w: _sent(path="/v1/token/"), 404, "not_found", calls=NOTHING),
    Row(
        "token by GET",
        lambda _w: _sent(method="GET", body=b""),
        405,
        "method_not_allowed",
        headers={"Allow": "POST"},
        calls=NOTHING,
    ),
    Row(
        "status by POST",
        lambda _w: _sent(path="/v1/status"),
        405,
        "method_not_allowed",
        headers={"Allow": "GET, HEAD"},
        calls=NOTHING,
    ),
    Row("health by DELETE", lambda _w: _sent(path="/health", method="DELETE"), 405, "method_not_allowed"),
    Row("token by OPTIONS", lambda _w: _sent(method="OPTIONS"), 405, "method_not_allowed"),
    Row(
        "no bearer",
        lambda _w: _sent(token=None),
        401,
        "missing_bearer",
        headers={"WWW-Authenticate": "Bearer"},
        calls=NOTHING,
        says=("id-token: write",),
    ),
    Row("no bearer at status", lambda _w: Sent(None, b"", "GET", "/v1/status"), 401, "missing_bearer"),
    Row(
        "basic credentials",
        lambda _w: _sent(token=None, headers={"Authorization": "Basic eDp5"}),
        401,
        "missing_bearer",
    ),
    Row("empty bearer", lambda _w: _sent(token=None, headers={"Authorization": "Bearer "}), 401, "missing_bearer"),
    Row("the bearer comes before the body", lambda _w: _sent(token=None, body=b"{"), 401, "missing_bearer"),
    Row("body of 64 KiB and one", lambda _w: _sent(body=b" " * (64 * 1024 + 1)), 413, "body_too_large"),
    Row("body of 2 MB", lambda _w: _sent(body=b" " * 2_000_000), 413, "body_too_large", calls=NOTHING),
    Row("no body", lambda _w: _sent(body=b""), 400, "invalid_json"),
    Row("broken JSON", lambda _w: _sent(body=b'{"role": '), 400, "invalid_json"),
    Row("a JSON list", lambda _w: _sent(body=[]), 400, "invalid_json", says=('{"role": "coder"',)),
    Row("bytes that are no text", lambda _w: _sent(body=b"\xff\xfe\x00"), 400, "invalid_json"),
    Row("JSON nested without end", lambda _w: _sent(body=b'{"a":' + b"[" * 30_000), 400, "invalid_json"),
    Row("an endless number", lambda _w: _sent(body=b'{"role": ' + b"9" * 20_000 + b"}"), 400, "invalid_json"),
    Row("no role", lambda _w: _sent(body={}), 400, "role_required"),
    Row("role null", lambda _w: _sent(body={"role": None}), 400, "role_required"),
    Row("role empty", lambda _w: _sent(body={"role": ""}), 400, "role_required"),
    Row("role is a number", lambda _w: _sent(body={"role": 7}), 400, "invalid_role"),
    Row("role in upper case", lambda _w: _sent(body={"role": "Coder"}), 400, "invalid_role"),
    Row("role with --", lambda _w: _sent(body={"role": "a--b"}), 400, "invalid_role"),
    Row("role with a path in it", lambda _w: _sent(body={"role": "../coder"}), 400, "invalid_role"),
    Row("role with a line end", lambda _w: _sent(body={"role": "coder\n"}), 400, "invalid_role"),
    Row("repos is text", lambda _w: _sent(body={"role": "coder", "repos": "app"}), 400, "invalid_repos"),
    Row("repos holds a number", lambda _w: _sent(body={"role": "coder", "repos": [1]}), 400, "invalid_repos"),
    Row(
        "repos with an owner",
        lambda _w: _sent(body={"role": "coder", "repos": ["octo-org/app"]}),
        400,
        "invalid_repos",
        says=("bare name",),
    ),
    Row(
        "repos mixes * with names",
        lambda _w: _sent(body={"role": "coder", "repos": ["*", "a"]}),
        400,
        "invalid_repos",
    ),
    Row("repos with an empty name", lambda _w: _sent(body={"role": "coder", "repos": [""]}), 400, "invalid_repos"),
    Row("repos with ..", lambda _w: _sent(body={"role": "coder", "repos": [".."]}), 400, "invalid_repos"),
    Row(
        "repos with a look-alike",
        lambda _w: _sent(body={"role": "coder", "repos": ["\u0430pp"]}),
        400,
        "invalid_repos",
    ),
    Row(
        "501 repositories",
        lambda _w: _sent(body={"role": "coder", "repos": [f"r{n}" for n in range(501)]}),
        400,
        "too_many_repos",
        calls=NOTHING,
    ),
    Row(
        "the fields come before the token",
        lambda _w: _sent(token="rubbish", body=json.dumps({"role": "coder", "repos": 1}).encode()),
        400,
        "invalid_repos",
    ),
    Row(
        "500 repositories pass, so that the token is looked at",
        lambda _w: _sent(body={"role": "coder", "repos": [f"r{n}" for n in range(500)] * 2}),
        401,
        "invalid_token",
    ),
    Row("POST / mints too", as_job({"role": "nobody"}), 403, "role_not_allowed"),
)
