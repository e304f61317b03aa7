"""No request of any caller breaks the sandbox's variables and secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from fullsend_sandbox.github import GitHubService

if TYPE_CHECKING:
    from collections.abc import Iterator

FUZZ = settings(suppress_health_check=[HealthCheck.too_slow])
BASES = ("/orgs/octo-org", "/repos/octo-org/app")
FIELDS = ("name", "value", "visibility", "selected_repository_ids", "encrypted_value", "key_id")

values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.just("\ud800")
    | st.sampled_from(["all", "private", "selected", "COLOUR", "AAAA"])
    | st.lists(st.integers(1000, 1010) | st.text(max_size=3), max_size=3)
)
bodies = st.binary(max_size=50) | st.dictionaries(st.sampled_from(FIELDS), values).map(
    lambda fields: json.dumps(fields).encode()
)
paths = st.tuples(
    st.sampled_from(BASES),
    st.sampled_from(["variables", "secrets"]),
    st.sampled_from(["", "/COLOUR", "/public-key", "/COLOUR/repositories"])
    | st.text(max_size=10).map("/{}".format),
).map(lambda parts: f"{parts[0]}/actions/{parts[1]}{parts[2]}")


@pytest.fixture(scope="module")
def service() -> Iterator[GitHubService]:
    github = GitHubService().start()
    github.create_org("octo-org")
    github.create_user("mona")
    github.people.make_owner("mona", "octo-org")
    github.create_repo("octo-org/app")
    yield github
    github.stop()


@pytest.fixture(scope="module")
def tokens(service: GitHubService) -> dict[str, str]:
    people = service.people
    return {
        "owner": people.classic_token("mona", ("admin:org", "repo")),
        "reader": people.fine_grained_token("mona", "octo-org", {"secrets": "read", "actions_variables": "read"}),
        "nobody": "",
    }


def ask(service: GitHubService, method: str, path: str, token: str, body: bytes) -> Any:
    environ = EnvironBuilder(method=method, data=body).get_environ()
    environ |= {"PATH_INFO": path.encode("utf-8", "surrogatepass").decode("latin-1"), "HTTP_USER_AGENT": "fuzz"}
    if token:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    response = service.answer(Request(environ), body)
    service.clear_limits()
    assert response is not None
    return response


@FUZZ
@given(method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]), path=paths, body=bodies)
def test_no_request_of_an_owner_breaks_the_service(
    service: GitHubService, tokens: dict[str, str], method: str, path: str, body: bytes
) -> None:
    assert ask(service, method, path, tokens["owner"], body).status_code < 500


@FUZZ
@given(
    caller=st.sampled_from(["reader", "nobody"]),
    method=st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]),
    path=paths,
    body=bodies,
)
def test_who_may_not_write_changes_nothing(
    service: GitHubService, tokens: dict[str, str], *, caller: str, method: str, path: str, body: bytes
) -> None:
    assert ask(service, method, path, tokens[caller], body).status_code in {400, 401, 403, 404}
