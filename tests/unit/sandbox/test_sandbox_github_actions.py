"""The sandbox's Actions variables and secrets answer as GitHub does, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from nacl.encoding import Base64Encoder
from nacl.public import PublicKey, SealedBox

from tests.unit.sandbox.sandbox_github_octo import Octo, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

REPO = "/repos/Octo-Org/secret/actions"
ORG = "/orgs/octo-org/actions"
WRITERS = {"actions_variables": "write", "secrets": "write", "organization_actions_variables": "write"}


@pytest.fixture
def octo() -> Iterator[Octo]:
    """Give a GitHub on which mona owns the organization."""
    with Octo() as running:
        running.service.people.make_owner("mona", "octo-org")
        yield running


@pytest.fixture
def owner(octo: Octo) -> str:
    """Give the token of an owner with every scope."""
    return octo.service.people.classic_token("mona", ("admin:org", "repo"))


def encrypt(public_key: str, value: str) -> str:
    return SealedBox(PublicKey(public_key.encode(), Base64Encoder)).encrypt(value.encode(), Base64Encoder).decode()


def put_secret(octo: Octo, token: str, base: str, name: str, value: str, **body: object) -> requests.Response:
    key = octo.ask("GET", f"{base}/secrets/public-key", token).json()
    sealed = {"encrypted_value": encrypt(key["key"], value), "key_id": key["key_id"], **body}
    return octo.ask("PUT", f"{base}/secrets/{name}", token, json=sealed)


@pytest.mark.parametrize(("base", "extra"), [(REPO, {}), (ORG, {"visibility": "all"})])
def test_a_variable_lives_through_201_409_200_204_and_404(
    octo: Octo, owner: str, base: str, extra: dict[str, str]
) -> None:
    body = {"name": "color", "value": "red", **extra}
    assert octo.ask("POST", f"{base}/variables", owner, json=body).status_code == 201
    assert refusal(octo.ask("POST", f"{base}/variables", owner, json=body))[0] == 409
    assert octo.ask("PATCH", f"{base}/variables/COLOR", owner, json={"value": "blue"}).status_code == 204
    shown = octo.ask("GET", f"{base}/variables/Color", owner).json()
    assert (shown["name"], shown["value"]) == ("COLOR", "blue")
    gone = octo.ask("DELETE", f"{base}/variables/COLOR", owner)
    assert (gone.status_code, gone.text) == (204, "")
    assert octo.ask("DELETE", f"{base}/variables/COLOR", owner).status_code == 404


@pytest.mark.parametrize(("asked", "given"), [("", 10), ("?per_page=100", 30), ("?per_page=100&page=2", 5)])
def test_variables_come_in_pages_of_ten_and_at_most_thirty(octo: Octo, owner: str, asked: str, given: int) -> None:
    for number in range(35):
        octo.service.actions.put_variable("octo-org", f"V{number}", "x")
    listed = octo.ask("GET", f"{ORG}/variables{asked}", owner).json()
    assert (listed["total_count"], len(listed["variables"])) == (35, given)


@pytest.mark.parametrize(("base", "extra"), [(REPO, {}), (ORG, {"visibility": "private"})])
def test_a_sealed_secret_is_opened_and_never_shown(
    octo: Octo, owner: str, base: str, extra: dict[str, str]
) -> None:
    holder = "Octo-Org/secret" if base == REPO else "octo-org"
    assert put_secret(octo, owner, base, "key", "s3cret", **extra).status_code == 201
    assert put_secret(octo, owner, base, "key", "s3cret too").status_code == 204
    assert octo.service.actions.secrets(holder) == {"KEY": "s3cret too"}
    shown = octo.ask("GET", f"{base}/secrets/KEY", owner)
    assert (shown.json()["name"], "s3cret" in shown.text) == ("KEY", False)


def test_a_box_sealed_for_another_key_is_refused(octo: Octo, owner: str) -> None:
    other = octo.ask("GET", f"{ORG}/secrets/public-key", owner).json()
    body = {"encrypted_value": encrypt(other["key"], "x"), "key_id": other["key_id"]}
    assert refusal(octo.ask("PUT", f"{REPO}/secrets/KEY", owner, json=body))[0] == 422


def test_a_job_sees_what_reaches_its_repository_and_a_dot_repository_no_variables_of_its_org(octo: Octo) -> None:
    octo.service.create_repo("Octo-Org/.fullsend")
    put = octo.service.actions.put_variable
    put("octo-org", "EVERYONE", "1")
    put("octo-org", "PRIVATE", "1", visibility="private")
    put("octo-org", "CHOSEN", "1", visibility="selected", only="Octo-Org/other")
    put("Octo-Org/.fullsend", "OWN", "1")
    seen = {name: set(octo.service.actions.variables_seen_by(f"Octo-Org/{name}")) for name in ("open", "other")}
    assert seen == {"open": {"EVERYONE"}, "other": {"EVERYONE", "PRIVATE", "CHOSEN"}}
    assert octo.service.actions.variables_seen_by("Octo-Org/.fullsend") == {"OWN": "1"}


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        (("repo",), f"{ORG}/variables", 403),
        (("read:org", "repo"), f"{ORG}/secrets", 403),
        (("admin:org",), f"{REPO}/variables", 404),
        (("admin:org",), "/repos/Octo-Org/open/actions/variables", 403),
        (("repo",), f"{REPO}/variables", 200),
        (("admin:org",), f"{ORG}/variables", 200),
    ],
)
def test_a_classic_token_needs_the_scope_and_every_answer_names_its_scopes(
    octo: Octo, scopes: tuple[str, ...], path: str, status: int
) -> None:
    answer = octo.ask("GET", path, octo.service.people.classic_token("mona", scopes))
    assert (answer.status_code, answer.headers["X-OAuth-Scopes"]) == (status, ", ".join(scopes))


@pytest.mark.parametrize(
    ("permissions", "path", "answer"),
    [
        ({"secrets": "read"}, f"{REPO}/variables", (403, "Resource not accessible by personal access token")),
        (
            {"actions_variables": "write"},
            f"{ORG}/variables",
            (403, "Resource not accessible by personal access token"),
        ),
        (WRITERS, "/repos/Octo-Org/other/actions/variables", (404, "Not Found")),
    ],
)
def test_a_fine_grained_token_gets_403_for_what_it_may_not_and_404_for_what_it_cannot_see(
    octo: Octo, permissions: dict[str, str], path: str, answer: tuple[int, str]
) -> None:
    token = octo.service.people.fine_grained_token("mona", "octo-org", permissions, ["secret"])
    refused = octo.ask("GET", path, token)
    assert refusal(refused) == answer
    assert "X-OAuth-Scopes" not in refused.headers


def test_a_fine_grained_token_may_what_its_permissions_say(octo: Octo) -> None:
    token = octo.service.people.fine_grained_token("mona", "octo-org", WRITERS, ["secret"])
    assert octo.ask("GET", "/repos/Octo-Org/secret", token).status_code == 200
    assert put_secret(octo, token, REPO, "KEY", "x").status_code == 201
    assert octo.ask("GET", f"{ORG}/variables", token).status_code == 200


def test_an_unknown_or_revoked_personal_token_is_401_even_where_anyone_may_read(octo: Octo, owner: str) -> None:
    assert octo.ask("GET", "/orgs/octo-org", owner).status_code == 200
    octo.service.people.revoke(owner)
    assert refusal(octo.ask("GET", "/orgs/octo-org", owner)) == (401, "Bad credentials")


def test_an_installation_token_needs_the_permission_of_its_app(octo: Octo) -> None:
    assert refusal(octo.ask("GET", f"{REPO}/variables", octo.token()))[0] == 403
    app = octo.service.create_app("e2e", WRITERS)
    token = octo.token(octo.service.install_app(app, "octo-org"))
    body = {"name": "A", "value": "1", "visibility": "all"}
    assert octo.ask("POST", f"{ORG}/variables", token, json=body).status_code == 201
    assert octo.ask("GET", f"{REPO}/secrets", token).status_code == 200
