"""Who the operator is to Google when there is only an access token: Google's user-info endpoint says."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from fullsend.net.transport import Transport
from fullsend.operate.gcp.login import Login
from fullsend_sandbox.keys import new_key, pem
from tests.connect_proxy import connect_proxy
from tests.throwaway_ca import ThrowawayCa, https_front

if TYPE_CHECKING:
    from pathlib import Path

GOOGLE = "https://cloudfunctions.googleapis.com/"
TOKEN = "ya29.bare-token"


def principal(body: object, folder: Path, **variables: str) -> tuple[str, list[str], list[bytes]]:
    """Return the principal behind a bare token, what the endpoint was asked, and what the proxy was asked."""
    ca, seen = ThrowawayCa(folder, "openidconnect.googleapis.com"), list[str]()
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with https_front(ca, raw, seen) as port, connect_proxy(port) as (proxy, heads):
        environment = {
            "HTTPS_PROXY": proxy,
            "REQUESTS_CA_BUNDLE": str(ca.bundle),
            "CLOUDSDK_AUTH_ACCESS_TOKEN": TOKEN,
            **variables,
        }
        login = Login("my-project", environment, Transport(environment))
        assert login.headers(GOOGLE)["Authorization"] == f"Bearer {TOKEN}"
        return login.principal(), seen, heads


@pytest.mark.parametrize(
    ("email", "member"),
    [
        ("ada@example.com", "user:ada@example.com"),
        ("ci@my-project.iam.gserviceaccount.com", "serviceAccount:ci@my-project.iam.gserviceaccount.com"),
    ],
)
def test_google_says_whose_a_bare_access_token_is(tmp_path: Path, email: str, member: str) -> None:
    found, seen, heads = principal({"sub": "1", "email": email, "email_verified": True}, tmp_path)
    assert (found, seen) == (member, [f"GET /v1/userinfo Bearer {TOKEN}"])
    assert heads[0].startswith(b"CONNECT openidconnect.googleapis.com:443 ")


@pytest.mark.parametrize("body", [{"sub": "1"}, {"email": "nothing"}, {"email": None}, [], b"no json", b""])
def test_a_token_without_an_account_at_google_has_no_principal(tmp_path: Path, body: object) -> None:
    assert principal(body, tmp_path)[0] == ""


def test_the_account_that_gcloud_is_set_to_is_taken_without_a_call(tmp_path: Path) -> None:
    found, seen, _ = principal({}, tmp_path, CLOUDSDK_CORE_ACCOUNT="ada@example.com")
    assert (found, seen) == ("user:ada@example.com", [])


def test_a_token_for_an_emulator_is_not_shown_to_google(tmp_path: Path) -> None:
    variables = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN": "http://127.0.0.1:9/"}
    found, seen, heads = principal({"email": "ada@example.com"}, tmp_path, **variables)
    assert (found, seen, heads) == ("", [], [])


def test_a_login_makes_no_call_but_the_one_for_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = {
        "type": "service_account",
        "client_email": "ci@my-project.iam.gserviceaccount.com",
        "private_key": pem(new_key()).decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    file = tmp_path / "account.json"
    file.write_text(json.dumps(account), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    token = json.dumps({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}).encode()
    ca = ThrowawayCa(tmp_path, "oauth2.googleapis.com")
    with https_front(ca, token) as port, connect_proxy(port) as (proxy, heads):
        login = Login("p", {}, Transport({"HTTPS_PROXY": proxy, "REQUESTS_CA_BUNDLE": str(ca.bundle)}))
        for _ in range(2):
            assert login.headers(GOOGLE) == {"Authorization": f"Bearer {TOKEN}"}
        for thread in threading.enumerate():
            if type(thread).__module__.startswith("google."):
                thread.join()
    assert [head.split()[1] for head in heads] == [b"oauth2.googleapis.com:443"]


def test_no_answer_leaves_the_principal_open(tmp_path: Path) -> None:
    ca = ThrowawayCa(tmp_path, "openidconnect.googleapis.com")
    with https_front(ca, b"{}") as port, connect_proxy(port, b"403 Forbidden") as (proxy, _):
        environment = {"HTTPS_PROXY": proxy, "REQUESTS_CA_BUNDLE": str(ca.bundle)}
        login = Login("p", environment | {"CLOUDSDK_AUTH_ACCESS_TOKEN": TOKEN}, Transport(environment))
        login.headers(GOOGLE)
        assert login.principal() == ""
