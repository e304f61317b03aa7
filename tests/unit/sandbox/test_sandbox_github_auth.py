from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from fullsend_sandbox.keys import pem
from tests.unit.sandbox.sandbox_github_octo import NOW, Octo, refusal, rsa_key

if TYPE_CHECKING:
    from collections.abc import Iterator

UNDECODABLE = (401, "A JSON web token could not be decoded")
EXPIRED = (
    401,
    (
        "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
        "assertion expires"
    ),
)
TOO_FAR = (401, "'Expiration time' claim ('exp') is too far in the future")
ISSUED_AT = (
    401,
    "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
)
ISSUER = (401, "'Issuer' claim ('iss') must be an Integer")
UNKNOWN = (404, "Integration not found")


@pytest.fixture
def octo() -> Iterator[Octo]:
    with Octo() as octo:
        yield octo


def b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("form", ["integer", "decimal", "client id"])
def test_an_app_names_itself_by_its_id_or_its_client_id(octo: Octo, form: str) -> None:
    issuer: object = {"integer": octo.app.id, "decimal": str(octo.app.id), "client id": octo.app.client_id}[form]
    response = octo.ask("GET", "/app", octo.jwt(iss=issuer))
    assert (response.status_code, response.json()["slug"]) == (200, "coder")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW}, EXPIRED),
        ({"exp": NOW - 1}, EXPIRED),
        ({"exp": None}, EXPIRED),
        ({"exp": True}, EXPIRED),
        ({"exp": str(NOW + 60)}, EXPIRED),
        ({"exp": [NOW + 60]}, EXPIRED),
        ({"exp": float("nan")}, EXPIRED),
        ({"exp": float("inf")}, TOO_FAR),
        ({"exp": NOW + 601}, TOO_FAR),
        ({"exp": NOW + 600.5}, TOO_FAR),
        ({"iat": NOW + 1}, ISSUED_AT),
        ({"iat": None}, ISSUED_AT),
        ({"iat": False}, ISSUED_AT),
        ({"iat": NOW - 0.5}, ISSUED_AT),
        ({"iat": str(NOW - 60)}, ISSUED_AT),
        ({"iss": None}, ISSUER),
        ({"iss": True}, ISSUER),
        ({"iss": 700001.0}, ISSUER),
        ({"iss": ["700001"]}, ISSUER),
        ({"iss": "coder"}, UNKNOWN),
        ({"iss": " 700001"}, UNKNOWN),
        ({"iss": "0700001"}, UNKNOWN),
        ({"iss": 1}, UNKNOWN),
        ({"iss": ""}, UNKNOWN),
    ],
)
def test_claims_that_are_not_githubs_are_refused(
    octo: Octo, claims: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert refusal(octo.ask("GET", "/app", octo.jwt(**claims))) == expected


@pytest.mark.parametrize(
    "claims", [{"exp": NOW + 600}, {"exp": NOW + 1}, {"exp": NOW + 9.5}, {"iat": NOW}, {"iat": NOW - 86400}]
)
def test_claims_just_within_githubs_rules_are_accepted(octo: Octo, claims: dict[str, Any]) -> None:
    assert octo.ask("GET", "/app", octo.jwt(**claims)).status_code == 200


def test_times_are_held_against_the_services_own_clock(octo: Octo) -> None:
    token = octo.jwt()
    octo.clock.offset = -300
    response = octo.ask("GET", "/app", token)
    assert refusal(response) == TOO_FAR
    assert response.headers["Date"] == "Sun, 17 Mar 2030 17:41:40 GMT"


def test_a_key_of_another_app_is_refused(octo: Octo) -> None:
    other = octo.service.create_app("other", {})
    assert refusal(octo.ask("GET", "/app", octo.jwt(pem=other.private_key_pem))) == UNDECODABLE


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_only_rs256_signatures_count(octo: Octo, algorithm: str) -> None:
    claims = {"iss": octo.app.client_id, "iat": NOW - 60, "exp": NOW + 540}
    token = jwt.encode(claims, octo.app.private_key_pem, algorithm=algorithm)
    assert refusal(octo.ask("GET", "/app", token)) == UNDECODABLE


def test_an_unsigned_token_is_refused(octo: Octo) -> None:
    claims = {"iss": octo.app.client_id, "iat": NOW - 60, "exp": NOW + 540}
    for signature in ("", "AAAA"):
        token = f"{b64({'alg': 'none', 'typ': 'JWT'})}.{b64(claims)}.{signature}"
        assert refusal(octo.ask("GET", "/app", token)) == UNDECODABLE


def test_a_changed_payload_is_refused(octo: Octo) -> None:
    header, _, signature = octo.jwt().split(".")
    claims = {"iss": octo.app.client_id, "iat": NOW - 60, "exp": NOW + 500}
    assert refusal(octo.ask("GET", "/app", f"{header}.{b64(claims)}.{signature}")) == UNDECODABLE


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer a.b.c",
        "Bearer ....",
        "Bearer é.é.é",
        "Basic eDp5",
        "token {jwt}",
        "{jwt}",
        "Bearer {installation}",
    ],
)
def test_other_text_than_an_app_jwt_in_a_bearer_header_is_refused(octo: Octo, header: str | None) -> None:
    headers = {}
    if header is not None:
        text = header.replace("{jwt}", octo.jwt()).replace("{installation}", octo.token())
        headers["Authorization"] = text.encode("utf-8")
    assert refusal(octo.ask("GET", "/app", headers=headers)) == UNDECODABLE


def test_a_rotated_key_ends_the_old_one(octo: Octo) -> None:
    old = octo.app.private_key_pem
    new = octo.service.rotate_key(octo.app)
    assert refusal(octo.ask("GET", "/app", octo.jwt(pem=old))) == UNDECODABLE
    assert octo.ask("GET", "/app", octo.jwt(pem=new)).status_code == 200
    assert new == octo.app.private_key_pem


def test_a_kept_old_key_works_beside_the_new_one(octo: Octo) -> None:
    old = octo.app.private_key_pem
    new = octo.service.rotate_key(octo.app, keep_old=True)
    assert [octo.ask("GET", "/app", octo.jwt(pem=key)).status_code for key in (old, new)] == [200, 200]


def test_an_app_can_be_given_its_key(octo: Octo) -> None:
    key = rsa_key(90)
    app = octo.service.create_app("given", {}, key=key)
    assert app.private_key_pem == pem(key)
    assert octo.as_app("GET", "/app", app).status_code == 200


def test_keys_do_not_show_in_a_repr(octo: Octo) -> None:
    assert "PRIVATE" not in repr(octo.app)
    assert "PRIVATE" not in repr(octo.on_org)


def test_an_app_jwt_is_not_a_credential_for_repositories(octo: Octo) -> None:
    assert refusal(octo.as_app("GET", "/installation/repositories")) == (401, "Bad credentials")
