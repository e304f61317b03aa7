"""No token, JWT or key is ever in an answer, a log line or an audit event, even after failures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fullsend_sandbox import names
from fullsend_sandbox.faults import Drop, Fail, Garbage
from fullsend_sandbox.github.tokens import TokenStyle
from tests.contract.exchange import send
from tests.contract.table import Sent, as_job

if TYPE_CHECKING:
    from fullsend_sandbox.world import World
    from tests.conftest import StartMint


def secret_parts(world: World, *tokens: str) -> set[str]:
    """Every secret that must not appear: whole tokens, and pieces that are long enough to be unique."""
    pieces: set[str] = set()
    for token in tokens:
        pieces |= {token, token.rsplit(".", 1)[-1], token[-30:]}
    for app in world.apps.values():
        lines = app.private_key_pem.decode().splitlines()
        pieces |= {line for line in lines if not line.startswith("-----")}
    for exchange in (*world.sts.traffic, *world.github.traffic):
        bearer = exchange.headers.get("authorization", "").partition(" ")[2]
        pieces |= {bearer, bearer.rpartition(".")[2]}
    return {piece for piece in pieces if len(piece) >= 16}


def test_nothing_secret_is_in_any_answer_log_line_or_audit_event(world: World, start_mint: StartMint) -> None:
    mint = start_mint(REQUEST_DEADLINE_SECONDS="2", RATE_LIMIT="40/hour")
    good = [world.issuer.token(world.job()) for _ in range(8)]
    forged = world.issuer.forged_token(world.job())
    answers: list[str] = []
    tokens: list[str] = []

    def call(sent: Sent) -> None:
        got = send(mint.url, sent)
        if got.status == 200 and "token" in got.json:
            fields = got.json
            tokens.append(fields.pop("token"))
            answers.append(json.dumps(fields))
        else:
            answers.append(got.text + str(dict(got.headers)))

    call(Sent(good[0]))
    call(Sent(forged))
    call(Sent(good[1], {"role": good[1]}))
    call(Sent(good[1], {"role": "coder", "repos": [good[1]]}))
    call(Sent(good[1], b"", "GET", f"/{good[1]}"))
    call(Sent(None, headers={"Authorization": f"Token {good[1]}"}))
    call(as_job({"role": "scanner"})(world))
    call(Sent(world.issuer.token(world.job(), job_workflow_ref=f"a/b/.github/workflows/{good[2]}.yml@main")))
    for service, fault in (
        ("sts", Garbage()),
        ("sts", Fail(400, json.dumps({"error": "invalid_grant", "error_description": good[3]}))),
        ("github", Drop()),
        ("github", Fail(422, json.dumps({"message": f"bad token {good[4]}"}))),
        ("github", Fail(401, json.dumps({"message": "A JSON web token could not be decoded"}))),
        ("github", Fail(201, json.dumps({"token": "ghs_" + "c4n4ry" * 6, "expires_at": 5}))),
    ):
        broken = getattr(world, service)
        broken.faults.add(fault)
        call(Sent(good[5]))
        broken.faults.clear()
    world.secret_manager.add_version(
        names.secret_name("review"), b"-----BEGIN RSA PRIVATE KEY-----\nc4n4ry-key-data\n"
    )
    call(Sent(good[6], {"role": "review"}))
    world.github.use_token_style(TokenStyle.STATELESS)
    call(Sent(good[7]))
    mint.stop()

    searched = "\n".join([*answers, *mint.logs()])
    assert len(tokens) >= 2
    assert "c4n4ry" not in searched
    leaked = [piece[:12] for piece in secret_parts(world, *good, forged, *tokens) if piece in searched]
    assert leaked == []
