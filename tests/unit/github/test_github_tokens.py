"""Installation tokens: what they allow, what a refused one is called, and how one is revoked."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import (
    GitHubUnavailable,
    Incident,
    OrgNotAllowed,
    PermissionsNotGranted,
    ReposNotAccessible,
)
from mintcore.github.client import AppClient
from mintcore.github.installations import GitHubTokens
from mintcore.github.refusals import quota_of
from mintcore.keys.app_jwt import AppJwts
from mintcore.keys.rsa import RsaSigner
from mintcore.outbound.answer import Answer
from mintcore.outbound.channel import Outbound
from mintcore.policy.decision import EnrolledIds, Ids, Target
from mintcore.policy.names import Org, Repo, RepoName
from mintcore.policy.roles import App
from mintcore.request import Scope
from mintcore.secret import Secret
from tests.mint_doubles import FakeClock, OneSigner, new_attempt
from tests.unit.github.octo_world import ORG, PERMISSIONS, TOKEN, TRIAGE, Octo, found, scripted
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from mintcore.request import RequestContext


def test_a_token_has_the_roles_permissions_and_the_repositories_asked_for(octo: Octo) -> None:
    installation = octo.install()
    token = octo.issue("app", "docs")
    assert token.repositories == ("octo-org/app", "octo-org/docs")
    assert dict(token.permissions) == dict(PERMISSIONS)
    assert (token.repository_selection, token.installation_id) == ("selected", installation.id)
    assert len(octo.github.live_tokens()) == 1


def test_a_token_for_everything_lists_no_repository(octo: Octo) -> None:
    octo.install()
    token = octo.issue()
    assert (token.repositories, token.repository_selection) == ((), "all")


def test_a_repository_that_was_made_again_gets_no_token_for_a_job(octo: Octo) -> None:
    octo.install()
    old = octo.github.create_repo("octo-org/again")
    enrolled = EnrolledIds(Repo(ORG, "Again"), octo.owner_id, str(old.id))
    assert octo.issue("again", ids=enrolled).repositories == ("octo-org/again",)
    assert octo.issuer().ids(octo.app, enrolled, octo.context()) == Ids(octo.owner_id, str(old.id))
    octo.github.delete_repo("octo-org/again")
    new, before = octo.github.create_repo("octo-org/again"), octo.github.live_tokens()
    with pytest.raises(OrgNotAllowed, match="rule ids") as refused:
        octo.issue("again", ids=enrolled)
    assert "The name octo-org/Again now belongs to a different account" in refused.value.public
    assert "revoked, hashed_token" in refused.value.detail
    assert octo.github.live_tokens() == before
    assert octo.issuer().ids(octo.app, enrolled, octo.context()).repository_id == str(new.id)


def test_the_id_of_a_repository_is_never_missing_where_it_is_compared(octo: Octo) -> None:
    octo.install()
    with pytest.raises(GitHubUnavailable, match="lacks the id of octo-org/app"):
        octo.issue("docs", ids=EnrolledIds(Repo(ORG, "app"), "", "7"))
    assert not octo.github.live_tokens()


def test_a_job_is_denied_where_the_owner_is_another_account(octo: Octo) -> None:
    octo.install()
    enrolled = EnrolledIds(Repo(ORG, "app"), "1", "")
    with pytest.raises(OrgNotAllowed, match="octo-org has the id"):
        octo.issue("app", target=Target(ORG, "1"), ids=enrolled)
    assert octo.issuer().ids(octo.app, enrolled, octo.context()) == Ids(octo.owner_id, "")
    assert not octo.github.live_tokens()


def test_an_installation_on_a_user_account_is_found(octo: Octo) -> None:
    octo.github.create_user("somebody")
    octo.install("somebody")
    assert octo.issue(org=Org("Somebody")).installation_id


def test_repositories_out_of_reach_are_named(octo: Octo) -> None:
    octo.install(repositories=["app"])
    with pytest.raises(ReposNotAccessible) as refused:
        octo.issue("app", "hidden", "nowhere")
    assert "octo-org/hidden, octo-org/nowhere:" in refused.value.public
    assert "octo-org/app" not in refused.value.public


def test_permissions_that_lack_are_named(octo: Octo) -> None:
    octo.install(permissions={"contents": "read", "issues": "read", "metadata": "read"})
    with pytest.raises(PermissionsNotGranted) as refused:
        octo.issue()
    assert "issues:write" in refused.value.public
    assert "contents" not in refused.value.public


def test_a_rotated_key_heals_in_the_same_request(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    octo.issue(tokens=tokens)
    octo.rotate_key()
    octo.issue(tokens=tokens)
    assert octo.store.forgotten == ["triage"]


def test_a_clock_that_is_off_is_not_held_against_the_key(octo: Octo) -> None:
    octo.install()
    octo.clock.corrects = True
    tokens = octo.issuer()
    octo.issue(tokens=tokens)
    octo.rotate_key()
    octo.issue(tokens=tokens)
    assert octo.store.forgotten == []


NAMED = Target(ORG)


def test_preparing_finds_the_installation_and_connects_and_creates_nothing(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    tokens.prepare(octo.app, NAMED, Scope(PERMISSIONS, ()), octo.context())
    assert octo.github.live_tokens() == []
    octo.github.traffic.clear()
    octo.issue(tokens=tokens)
    assert octo.github.traffic.count() == 1


def test_preparing_signs_although_the_installation_is_known(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    octo.issue(tokens=tokens)
    octo.clock.advance(500)  # the App JWT has expired, the installation has not
    octo.github.traffic.clear()
    tokens.prepare(octo.app, NAMED, Scope(PERMISSIONS, ()), octo.context())
    assert (octo.store.asked, octo.github.traffic.count()) == (2, 0)
    octo.issue(tokens=tokens)
    assert octo.store.asked == 2


def test_a_permission_that_github_does_not_have_is_left_out_with_a_warning(octo: Octo) -> None:
    octo.github.change_permissions(octo.installed, dict(PERMISSIONS) | {"workflows": "write"})
    octo.install()
    wanted = Scope(MappingProxyType({"contents": "read", "workflows": "read"}), (RepoName("app"),))
    token = octo.issuer().issue(octo.app, NAMED, wanted, octo.context())
    assert dict(token.permissions) == {"contents": "read", "metadata": "read"}
    (warning,) = token.warnings
    assert "workflows:read" in warning


def test_a_request_that_would_have_no_permission_left_costs_no_call(octo: Octo) -> None:
    octo.install()
    tokens, nothing = octo.issuer(), Scope(MappingProxyType({"workflows": "read"}), ())
    for attempt in (tokens.issue, tokens.prepare):
        with pytest.raises(PermissionsNotGranted, match="workflows:read"):
            attempt(octo.app, NAMED, nothing, octo.context())
    assert octo.github.traffic.count() == 0


def test_a_token_is_revoked(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    token = octo.issue(tokens=tokens)
    assert tokens.revoke(token.token, new_attempt(octo.clock, 0.0))
    assert octo.github.live_tokens() == []


def revocation(*statuses: int) -> tuple[bool, int]:
    clock = FakeClock()
    said = [answer(status, b"") for status in statuses]
    with Peer(lambda number: [said[min(number, len(said) - 1)]]) as peer:
        channel = Outbound(clock, connections=2).channel("github", peer.url)
        tokens = GitHubTokens(AppClient(channel, AppJwts(OneSigner(None), clock), clock), clock)
        return tokens.revoke(Secret("ghs_x"), new_attempt(clock)), len(peer.requests)


def test_a_fresh_token_that_github_does_not_know_yet_is_revoked_again() -> None:
    assert revocation(401, 404, 204) == (True, 3)


def test_only_a_confirmed_revocation_counts() -> None:
    assert revocation(401) == (False, 5)
    assert revocation(403) == (False, 1)
    assert revocation(500)[0] is False


def test_a_token_that_is_wider_than_asked_is_revoked(octo: Octo) -> None:
    octo.install()
    scope = Scope(MappingProxyType({"contents": "read", "metadata": "read"}), ())

    class Widening(AppClient):
        """GitHub with a fault: it creates the token with all of the App's permissions."""

        def call(self, app: App, method: str, path: str, context: RequestContext, body: Any = None) -> Answer:
            return super().call(app, method, path, context, {} if method == "POST" else body)

    channel = Outbound(octo.clock, connections=2).channel("github", octo.github.api_url)
    tokens = GitHubTokens(Widening(channel, AppJwts(octo.store, octo.clock), octo.clock), octo.clock)
    with pytest.raises(Incident, match=r"issues:write \(revoked, hashed_token ") as incident:
        tokens.issue(octo.app, NAMED, scope, octo.context())
    hashed, revoked = incident.value.withdrawn or ("", False)
    assert revoked
    assert hashed in incident.value.detail
    assert octo.github.live_tokens() == []


@pytest.mark.parametrize("body", [b'{"token": "ghs_x"}', b'{"token": "ghs_x", "permissions": 5}'])
def test_an_unreadable_token_is_revoked_too(key: RSAPrivateKey, body: bytes) -> None:
    requests = list[bytes]()
    with pytest.raises(GitHubUnavailable, match="revoked"):
        scripted(key, found(), answer(201, body), answer(204, b""), seen=requests)
    assert requests[-1].startswith(b"DELETE /installation/token")


def test_githubs_rate_limit_of_a_token_answer_is_noted(key: RSAPrivateKey) -> None:
    clock = FakeClock()
    limits = {"x_ratelimit_limit": "5000", "x_ratelimit_remaining": "4870", "x_ratelimit_used": "130",
              "x_ratelimit_reset": "4102444800"}  # fmt: skip
    said = [found(), answer(201, json.dumps(TOKEN).encode(), **limits)]
    context = new_attempt(clock)
    with Peer(lambda number: [said[number]]) as peer:
        channel = Outbound(clock, connections=2).channel("github", peer.url)
        tokens = GitHubTokens(AppClient(channel, AppJwts(OneSigner(RsaSigner(key)), clock), clock), clock)
        tokens.issue(App("1", TRIAGE), NAMED, Scope(PERMISSIONS, ()), context)
    assert context.github_quota == {"limit": 5000, "remaining": 4870, "used": 130, "reset": 4102444800}


@pytest.mark.parametrize("text", ["", "-1", "1.5", "many", "\u00b2", "9" * 30])
def test_a_limit_that_is_not_a_number_is_left_out(text: str) -> None:
    assert quota_of(Answer(201, {"x-ratelimit-remaining": text}, b"{}")) == {}
