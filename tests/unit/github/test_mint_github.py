from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox.faults import Fail
from fullsend_sandbox.github import GitHubService
from fullsend_sandbox.keys import new_key
from mintcore.errors import (
    AppNotInstalled,
    GitHubRateLimited,
    GitHubRefused,
    GitHubUnavailable,
    Incident,
    InstallationSuspended,
    InvalidRoleKey,
    MintError,
    NotGitHub,
    OrgNotAllowed,
    PermissionsNotGranted,
    ReposNotAccessible,
    UpstreamTimeout,
)
from mintcore.github.client import AppClient
from mintcore.github.diagnosis import explain_unprocessable
from mintcore.github.installation_cache import INSTALLED_SECONDS, MAX_MISSES
from mintcore.github.installations import GitHubTokens
from mintcore.github.installed_accounts import MAX_PAGES, PAGE
from mintcore.github.refusals import no_answer, quota_of, rate_limit, refusal
from mintcore.helpers import Helpers
from mintcore.keys.app_jwt import AppJwts
from mintcore.keys.rsa import RsaSigner, parse_signer
from mintcore.outbound.answer import Answer, DeadlineExceeded, Unreachable
from mintcore.outbound.channel import Outbound
from mintcore.policy.decision import EnrolledIds, Ids, Target
from mintcore.policy.names import Org, Repo, RepoName, Role
from mintcore.policy.roles import BUILT_IN, App
from mintcore.request import InstallationToken, Scope
from mintcore.secret import Secret
from tests.mint_doubles import FakeClock, OneSigner, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from mintcore.request import RequestContext

TRIAGE = Role("triage")
ORG = Org("octo-org")
PERMISSIONS = BUILT_IN[TRIAGE]


class Octo:
    """GitHub with one App on one organization, and the mint's side of it."""

    def __init__(self, clock: FakeClock, key: RSAPrivateKey) -> None:
        self.clock = clock
        self.github = GitHubService(clock=clock.now, make_key=lambda: key)
        self.owner_id = str(self.github.create_org("octo-org").id)
        for name in ("app", "docs", "hidden"):
            self.github.create_repo(f"octo-org/{name}")
        self.installed = self.github.create_app("fullsend-triage", dict(PERMISSIONS))
        self.app = App(str(self.installed.id), TRIAGE)
        self.store = OneSigner(parse_signer(self.installed.private_key_pem, TRIAGE))

    def install(self, owner: str = "octo-org", repositories: Any = "all", permissions: Any = None) -> Any:
        return self.github.install_app(self.installed, owner, repositories, permissions)

    def issuer(self, helpers: Helpers | None = None) -> GitHubTokens:
        channel = Outbound(self.clock, connections=2).channel("github", self.github.api_url)
        client = AppClient(channel, AppJwts(self.store, self.clock), self.clock)
        return GitHubTokens(client, self.clock, helpers)

    def context(self) -> RequestContext:
        return new_attempt(self.clock)

    def issue(
        self,
        *repos: str,
        tokens: GitHubTokens | None = None,
        org: Org = ORG,
        target: Target | None = None,
        ids: EnrolledIds | None = None,
    ) -> InstallationToken:
        scope = Scope(PERMISSIONS, tuple(RepoName(name) for name in repos), ids)
        return (tokens or self.issuer()).issue(self.app, target or Target(org), scope, self.context())


class Waiting(Helpers):
    """Helpers whose work is done when the test says so."""

    def __init__(self) -> None:
        super().__init__(0)
        self.waiting: list[Callable[[], Any]] = []

    def start(self, work: Callable[[], Any]) -> Any:
        self.waiting.append(work)
        return Future()

    def run(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def octo(key: RSAPrivateKey) -> Iterator[Octo]:
    given = Octo(FakeClock(), key)
    with given.github:
        yield given


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


def test_a_second_token_costs_one_call(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    octo.issue(tokens=tokens)
    octo.github.traffic.clear()
    octo.issue(tokens=tokens)
    assert octo.github.traffic.count() == 1


def test_not_installed_is_said_with_the_place_to_install_it(octo: Octo) -> None:
    with pytest.raises(AppNotInstalled) as refused:
        octo.issue()
    assert "/installations/new" in refused.value.public or "from the App's page" in refused.value.public


def test_not_installed_is_remembered_for_fifteen_seconds(octo: Octo) -> None:
    tokens = octo.issuer()
    with pytest.raises(AppNotInstalled):
        octo.issue(tokens=tokens)
    octo.install()
    octo.clock.advance(14)
    with pytest.raises(AppNotInstalled):
        octo.issue(tokens=tokens)
    octo.clock.advance(1)
    octo.issue(tokens=tokens)


def test_asking_again_for_what_is_not_installed_costs_no_call(octo: Octo) -> None:
    tokens = octo.issuer()
    said = set()
    for _ in range(10):
        with pytest.raises(AppNotInstalled) as refused:
            octo.issue(tokens=tokens)
        said.add(refused.value.public)
    assert len(said) == 1
    assert octo.github.traffic.count() == 3


def test_many_who_find_an_app_reinstalled_look_it_up_once(octo: Octo) -> None:
    installation, tokens = octo.install(), octo.issuer()
    octo.issue(tokens=tokens)
    again = octo.github.reinstall(installation)
    octo.github.traffic.clear()
    with ThreadPoolExecutor(16) as pool:
        issued = list(pool.map(lambda _: octo.issue(tokens=tokens).installation_id, range(16)))
    assert issued == [again.id] * 16
    assert octo.github.traffic.count(path_prefix="/orgs/") == 1


def test_a_reinstalled_app_is_found_in_the_same_request(octo: Octo) -> None:
    installation, tokens = octo.install(), octo.issuer()
    octo.issue(tokens=tokens)
    again = octo.github.reinstall(installation)
    assert octo.issue(tokens=tokens).installation_id == again.id


def test_an_uninstalled_app_is_said_at_once(octo: Octo) -> None:
    installation, tokens = octo.install(), octo.issuer()
    octo.issue(tokens=tokens)
    octo.github.uninstall(installation)
    with pytest.raises(AppNotInstalled):
        octo.issue(tokens=tokens)


def test_a_suspension_is_said_at_once_and_ends_within_fifteen_seconds(octo: Octo) -> None:
    installation, tokens = octo.install(), octo.issuer()
    octo.issue(tokens=tokens)
    octo.github.suspend(installation)
    with pytest.raises(InstallationSuspended):
        octo.issue(tokens=tokens)
    with pytest.raises(InstallationSuspended):
        octo.issue(tokens=tokens)
    octo.github.unsuspend(installation)
    octo.clock.advance(15)
    octo.issue(tokens=tokens)


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
    fresh = new_key()
    octo.installed.public_keys = [fresh.public_key()]
    octo.store.one = RsaSigner(fresh)
    octo.issue(tokens=tokens)
    assert octo.store.forgotten == ["triage"]


def test_a_clock_that_is_off_is_not_held_against_the_key(octo: Octo) -> None:
    octo.install()
    octo.clock.corrects = True
    tokens = octo.issuer()
    octo.issue(tokens=tokens)
    fresh = new_key()
    octo.installed.public_keys = [fresh.public_key()]
    octo.store.one = RsaSigner(fresh)
    octo.issue(tokens=tokens)
    assert octo.store.forgotten == []


NAMED = Target(ORG)


def owner_of(octo: Octo) -> Target:
    return Target(ORG, octo.owner_id)


def test_an_installation_with_a_proven_owner_is_looked_up_every_six_hours_and_behind_the_request(
    octo: Octo,
) -> None:
    octo.install()
    helpers = Waiting()
    tokens = octo.issuer(helpers)
    octo.issue(tokens=tokens, target=owner_of(octo))
    octo.clock.advance(INSTALLED_SECONDS - 1)
    octo.issue(tokens=tokens, target=owner_of(octo))
    assert (octo.github.traffic.count(path_prefix="/orgs/"), helpers.waiting) == (1, [])
    octo.clock.advance(1)
    octo.issue(tokens=tokens, target=owner_of(octo))
    assert (octo.github.traffic.count(path_prefix="/orgs/"), len(helpers.waiting)) == (1, 1)
    helpers.run()
    assert octo.github.traffic.count(path_prefix="/orgs/") == 2
    octo.issue(tokens=tokens, target=owner_of(octo))
    assert helpers.waiting == []


def test_an_installation_older_than_a_day_is_not_served(octo: Octo) -> None:
    octo.install()
    helpers = Waiting()
    tokens = octo.issuer(helpers)
    octo.issue(tokens=tokens, target=owner_of(octo))
    octo.clock.advance(24 * 3600)
    octo.issue(tokens=tokens, target=owner_of(octo))
    assert (octo.github.traffic.count(path_prefix="/orgs/"), helpers.waiting) == (2, [])


def test_a_renamed_organizations_installation_never_serves_the_names_next_owner(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    octo.issue(tokens=tokens, target=owner_of(octo))
    with pytest.raises(Incident):
        octo.issue(tokens=tokens, target=Target(ORG, "999999"))


def test_an_old_installation_that_is_gone_is_found_again_within_the_request(octo: Octo) -> None:
    installation, tokens = octo.install(), octo.issuer(Waiting())
    octo.issue(tokens=tokens, target=owner_of(octo))
    octo.clock.advance(INSTALLED_SECONDS + 60)
    again = octo.github.reinstall(installation)
    assert octo.issue(tokens=tokens, target=owner_of(octo)).installation_id == again.id


def test_organizations_without_the_app_cost_a_bounded_number_of_calls_a_minute(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    octo.issue(tokens=tokens)
    octo.github.traffic.clear()
    strangers(octo, tokens, MAX_MISSES + 20)
    # Two for each look-up, the App's page, and the list of the installations.
    assert octo.github.traffic.count() == 2 * MAX_MISSES + 2


def strangers(octo: Octo, tokens: GitHubTokens, count: int) -> None:
    """Ask for organizations that do not have the App."""
    for number in range(count):
        with pytest.raises(AppNotInstalled, match=f"is not installed on stranger-{number}"):
            octo.issue(tokens=tokens, target=Target(Org(f"stranger-{number}")))


def test_strangers_do_not_delay_an_organization_that_has_the_app_and_was_never_looked_up(octo: Octo) -> None:
    octo.install()
    for name in ("first-org", "Second-Org"):
        octo.github.create_org(name)
        octo.install(name)
    octo.github.create_user("somebody")
    octo.install("somebody")
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES + 5)
    for name in ("first-org", "second-org", "octo-org", "Somebody"):
        assert octo.issue(tokens=tokens, target=Target(Org(name))).installation_id
    assert octo.github.traffic.count(path_prefix="/app/installations?") <= 1


def test_an_app_that_is_installed_while_strangers_ask_is_seen_within_a_minute(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES + 1)
    octo.github.create_org("late-org")
    octo.install("late-org")
    octo.clock.advance(60)
    octo.issue(tokens=tokens, target=Target(Org("late-org")))


def test_a_list_of_more_than_one_page_is_read_to_its_end(octo: Octo) -> None:
    for number in range(PAGE + 1):
        octo.github.create_org(f"fleet-{number}")
        octo.install(f"fleet-{number}")
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES)
    for number in (0, PAGE - 1, PAGE):
        octo.issue(tokens=tokens, target=Target(Org(f"fleet-{number}")))


@pytest.mark.parametrize(
    "fault",
    [Fail(500, "{}"), Fail(200, "{}"), Fail(200, "[1]"), Fail(200, "null"), Fail(200, "[" * 9999)],
)
def test_an_unreadable_list_denies_every_caller(octo: Octo, fault: Fail) -> None:
    octo.install()
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES)
    octo.github.faults.add(fault)
    with pytest.raises(GitHubUnavailable):
        octo.issue(tokens=tokens)


def test_an_enterprise_and_a_deleted_account_in_the_list_are_skipped(octo: Octo) -> None:
    octo.install()
    listed = [{"account": None}, {}, {"account": {"slug": "corp"}}, {"account": {"login": "Octo-Org"}}]
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES)
    octo.github.faults.add(Fail(200, json.dumps(listed)), times=1)
    assert octo.issue(tokens=tokens).installation_id


def test_a_list_that_is_too_long_to_read_leaves_the_bound_alone(octo: Octo) -> None:
    full = json.dumps([{"account": {"login": f"one-{number}"}} for number in range(PAGE)])
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES)
    octo.github.traffic.clear()
    octo.github.faults.add(Fail(200, full))
    for _ in range(3):
        with pytest.raises(GitHubRateLimited) as refused:
            octo.issue(tokens=tokens, target=Target(Org("another")))
    assert (refused.value.retry_after, octo.github.traffic.count()) == (60, MAX_PAGES)


def test_organizations_with_the_app_do_not_count_as_misses(octo: Octo) -> None:
    tokens = octo.issuer()
    for number in range(MAX_MISSES + 5):
        octo.github.create_org(f"fleet-{number}")
        octo.install(f"fleet-{number}")
        octo.issue(tokens=tokens, target=Target(Org(f"fleet-{number}")))


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
    with pytest.raises(Incident, match=r"issues:write \(revoked, hashed_token "):
        tokens.issue(octo.app, NAMED, scope, octo.context())
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


@pytest.mark.parametrize(("seconds", "looked_up"), [(599, 1), (600, 2)])
def test_an_installation_known_by_name_only_is_looked_up_every_ten_minutes(
    octo: Octo, seconds: float, looked_up: int
) -> None:
    octo.install()
    tokens = octo.issuer()
    octo.issue(tokens=tokens)
    octo.clock.advance(seconds)
    octo.issue(tokens=tokens)
    assert octo.github.traffic.count() == 2 + looked_up


def test_a_key_that_github_keeps_refusing_is_the_operators_to_replace(octo: Octo) -> None:
    octo.install()
    octo.store.one = RsaSigner(new_key())
    with pytest.raises(InvalidRoleKey):
        octo.issue()
    assert octo.github.traffic.count() == 2


def test_limits_say_how_long_to_wait(octo: Octo) -> None:
    octo.install()
    octo.github.limit_primary(120)
    with pytest.raises(GitHubRateLimited) as limited:
        octo.issue()
    assert 119 <= (limited.value.retry_after or 0) <= 121
    octo.github.clear_limits()
    octo.github.limit_secondary()
    with pytest.raises(GitHubRateLimited) as limited:
        octo.issue()
    assert limited.value.retry_after == 60


def scripted(
    key: RSAPrivateKey, *answers: bytes | None, repos: tuple[str, ...] = (), seen: list[bytes] | None = None
) -> InstallationToken:
    clock = FakeClock()
    with Peer(lambda number: [answers[min(number, len(answers) - 1)]]) as peer:
        peer.requests = peer.requests if seen is None else seen
        channel = Outbound(clock, connections=2).channel("github", peer.url)
        tokens = GitHubTokens(AppClient(channel, AppJwts(OneSigner(RsaSigner(key)), clock), clock), clock)
        scope = Scope(PERMISSIONS, tuple(RepoName(name) for name in repos))
        return tokens.issue(App("1", TRIAGE), Target(ORG), scope, new_attempt(clock))


INSTALLATION: dict[str, Any] = {
    "id": 7, "account": {"login": "octo-org"}, "permissions": {"contents": "read"}, "suspended_at": None,
}  # fmt: skip
TOKEN: dict[str, Any] = {
    "token": "ghs_x", "expires_at": "2030-01-01T00:00:00Z", "permissions": {"contents": "read"},
}  # fmt: skip


def found(**changes: Any) -> bytes:
    return answer(200, json.dumps(INSTALLATION | changes).encode())


def created(**changes: Any) -> bytes:
    return answer(201, json.dumps(TOKEN | changes).encode())


@pytest.mark.parametrize("login", ["other-org", "octo-org2", "", "octo\u200b-org", "octo-org/", "\u212a"])
def test_an_installation_of_another_account_is_an_incident(key: RSAPrivateKey, login: str) -> None:
    with pytest.raises(Incident):
        scripted(key, found(account={"login": login}), created())


def test_an_account_in_other_case_is_the_same(key: RSAPrivateKey) -> None:
    assert scripted(key, found(account={"login": "Octo-Org"}), created()).installation_id == 7


ODD: list[object] = [None, "x", [], {}, float("inf"), float("nan"), "1e9"]


@pytest.mark.parametrize("number", ODD)
def test_an_installation_with_an_odd_id_is_an_unusable_answer(key: RSAPrivateKey, number: object) -> None:
    with pytest.raises(GitHubUnavailable):
        scripted(key, found(id=number), created())


@pytest.mark.parametrize("name", ["id", "account", "permissions"])
def test_an_installation_without_what_matters_is_an_unusable_answer(key: RSAPrivateKey, name: str) -> None:
    kept = {field: value for field, value in INSTALLATION.items() if field != name}
    with pytest.raises(GitHubUnavailable):
        scripted(key, answer(200, json.dumps(kept).encode()))


@pytest.mark.parametrize("name", ["token", "expires_at", "permissions"])
@pytest.mark.parametrize("value", [None, [], 5])
def test_a_token_with_an_odd_field_is_an_unusable_answer(key: RSAPrivateKey, name: str, value: object) -> None:
    with pytest.raises(GitHubUnavailable):
        scripted(key, found(), created(**{name: value}))


def repositories(*full_names: str) -> list[dict[str, str]]:
    return [{"full_name": name} for name in full_names]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"permissions": {"contents": "write"}}, "contents:write"),
        ({"permissions": {"contents": "read", "administration": "read"}}, "administration:read"),
        ({"permissions": {"contents": "owner"}}, "contents:owner"),
        ({"permissions": {"metadata": "write"}}, "metadata:write"),
        ({"repositories": repositories("octo-org/app", "octo-org/secret")}, "octo-org/secret"),
        ({"repositories": repositories("other-org/app")}, "other-org/app"),
        ({"repository_selection": "all"}, "all repositories"),
    ],
)
def test_an_over_privileged_token_is_an_incident_and_is_withheld(
    key: RSAPrivateKey, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(Incident) as refused:
        scripted(key, found(), created(**changes), repos=("app",))
    assert refused.value.detail.startswith(f"GitHub granted more than was asked on octo-org: {named}")
    assert named not in refused.value.public


@pytest.mark.parametrize(
    "changes",
    [
        {"permissions": {}},
        {"permissions": {"contents": "read", "metadata": "read"}},
        {"repositories": repositories("Octo-Org/App"), "repository_selection": "selected"},
    ],
)
def test_a_token_good_for_what_was_asked_or_less_is_given(key: RSAPrivateKey, changes: dict[str, Any]) -> None:
    assert scripted(key, found(), created(**changes), repos=("app",)).token.reveal() == "ghs_x"


def test_an_empty_token_is_an_unusable_answer(key: RSAPrivateKey) -> None:
    with pytest.raises(GitHubUnavailable):
        scripted(key, found(), created(token=""))


@pytest.mark.parametrize(
    ("changes", "repos", "told"),
    [
        ({}, ("app",), ("octo-org/app",)),
        ({"repositories": repositories("octo-org/app")}, ("app", "docs"), ("octo-org/app",)),
        ({"repositories": repositories("octo-org/app")}, ("App",), ("octo-org/app",)),
        (
            {"repositories": repositories("octo-org/app"), "repository_selection": "all"},
            ("app",),
            ("octo-org/app",),
        ),
        ({}, (), ()),
        ({"repositories": repositories("octo-org/app"), "repository_selection": "all"}, (), ()),
    ],
)
def test_the_repositories_told_are_githubs_and_where_it_names_none_those_asked_for(
    key: RSAPrivateKey, changes: dict[str, Any], repos: tuple[str, ...], told: tuple[str, ...]
) -> None:
    assert scripted(key, found(), created(**changes), repos=repos).repositories == told


PERMISSIONS_LACK, REPOS_LACK = "The Permissions requested are not granted", "At least one Repository does not exist"


@pytest.mark.parametrize(
    ("message", "granted", "repos", "kind"),
    [
        (PERMISSIONS_LACK, {}, ("app",), PermissionsNotGranted),
        (PERMISSIONS_LACK, PERMISSIONS, ("app",), PermissionsNotGranted),
        (REPOS_LACK, {}, ("app",), ReposNotAccessible),
        (f"{PERMISSIONS_LACK}, {REPOS_LACK}", {}, ("app",), PermissionsNotGranted),
        (f"{PERMISSIONS_LACK}, {REPOS_LACK}", PERMISSIONS, ("app",), ReposNotAccessible),
        (REPOS_LACK, {}, (), GitHubRefused),
        ("Validation Failed", {}, ("app",), GitHubRefused),
    ],
)
def test_an_unprocessable_request_is_explained_by_what_github_says_of_it(
    message: str, granted: dict[str, str], repos: tuple[str, ...], kind: type[MintError]
) -> None:
    refused, scope = answered_422(message), Scope(PERMISSIONS, tuple(RepoName(name) for name in repos))
    context = new_attempt(FakeClock())
    given = explain_unprocessable(
        refused,
        ORG,
        scope,
        granted=granted,
        reaches=lambda _name: True,
        failure=refusal(refused, doing="creating a token", org=ORG, now=0.0),
        context=context,
    )
    assert type(given) is kind


@pytest.mark.parametrize(("seconds", "asked"), [(25.0, 30), (4.5, 3), (2.0, 1), (1.9, 0)])
def test_no_more_is_asked_to_explain_than_the_time_and_thirty_questions_allow(seconds: float, asked: int) -> None:
    clock, questions = FakeClock(), list[RepoName]()

    def reaches(name: RepoName) -> bool:
        questions.append(name)
        clock.advance(1 if seconds < 25 else 0)
        return True

    scope = Scope(PERMISSIONS, tuple(RepoName(f"app{number}") for number in range(40)))
    explain_unprocessable(
        answered_422(REPOS_LACK),
        ORG,
        scope,
        granted={},
        reaches=reaches,
        failure=GitHubRefused(),
        context=new_attempt(clock, seconds),
    )
    assert len(questions) == asked


def answered_422(message: str) -> Answer:
    return Answer(422, {}, json.dumps({"message": message}).encode())


UNREACHABLE = answer(422, b'{"message": "There is at least one repository that does not exist"}')


UNKNOWN_APP = answer(404, b'{"message": "Integration not found"}')
NOT_FOUND = answer(404, b'{"message": "Not Found"}')


@pytest.mark.parametrize("said", [answer(403), answer(500), UNKNOWN_APP, found()])
def test_a_repository_github_does_not_call_missing_is_not_called_so(key: RSAPrivateKey, said: bytes) -> None:
    with pytest.raises(ReposNotAccessible, match="at least one of the requested repositories"):
        scripted(key, found(), UNREACHABLE, found(), said, repos=("app",))


OUT_OF_REACH = {"missing": NOT_FOUND, "renamed": answer(301), "of another installation": found(id=8)}


@pytest.mark.parametrize("said", OUT_OF_REACH.values(), ids=OUT_OF_REACH)
def test_a_repository_that_is_out_of_reach_is_named(key: RSAPrivateKey, said: bytes) -> None:
    with pytest.raises(ReposNotAccessible, match="octo-org/app"):
        scripted(key, found(), UNREACHABLE, found(), said, repos=("app",))


def test_a_repository_of_which_github_says_nothing_hides_no_other(key: RSAPrivateKey) -> None:
    with pytest.raises(ReposNotAccessible, match="cannot reach octo-org/docs:"):
        scripted(key, found(), UNREACHABLE, found(), answer(451), NOT_FOUND, repos=("app", "docs"))


def test_a_limit_ends_the_looking(key: RSAPrivateKey) -> None:
    limited = answer(403, b"{}", Retry_After="60")
    with pytest.raises(ReposNotAccessible, match="at least one of the requested repositories:"):
        scripted(key, found(), UNREACHABLE, found(), limited, NOT_FOUND, repos=("app", "docs"))


def test_who_asks_for_many_is_told_how_many_were_looked_at(octo: Octo) -> None:
    octo.install()
    for number in range(30):
        octo.github.create_repo(f"octo-org/app{number}")
    with pytest.raises(ReposNotAccessible, match=r"requested repositories \(only the first 30 were checked\)"):
        octo.issue(*(f"app{number}" for number in range(31)))


def test_an_installation_that_vanishes_twice_is_not_installed(key: RSAPrivateKey) -> None:
    with pytest.raises(AppNotInstalled):
        scripted(key, found(), NOT_FOUND, found(id=8), NOT_FOUND)


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (
            answer(200, b'{"html_url": "https://github.com/apps/a"}'),
            "at https://github.com/apps/a/installations/new.",
        ),
        (answer(200, b'{"html_url": "javascript:alert()"}'), "from the App's page"),
        (answer(200, b'{"html_url": 5}'), "from the App's page"),
        (answer(200, b"<html>"), "from the App's page"),
        (answer(404, b'{"html_url": "https://github.com/apps/a"}'), "from the App's page"),
        (None, "from the App's page"),
    ],
)
def test_where_to_install_an_app_is_githubs_to_say_or_not_said(
    key: RSAPrivateKey, said: bytes | None, where: str
) -> None:
    with pytest.raises(AppNotInstalled) as refused:
        scripted(key, NOT_FOUND, NOT_FOUND, said)
    assert where in refused.value.public


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"[" * 90_000])
def test_a_body_other_than_a_json_object_is_an_unusable_answer(key: RSAPrivateKey, body: bytes) -> None:
    with pytest.raises(GitHubUnavailable):
        scripted(key, answer(200, body))
    with pytest.raises(GitHubUnavailable):
        scripted(key, found(), answer(201, body))


@pytest.mark.parametrize("status", [200, 202, 500, 503])
def test_any_other_status_is_not_a_token(key: RSAPrivateKey, status: int) -> None:
    with pytest.raises(GitHubUnavailable):
        scripted(key, found(), answer(status, json.dumps(TOKEN).encode()))


@pytest.mark.parametrize("status", [301, 302, 400, 403, 405, 406, 409, 410, 418, 451])
def test_a_refusal_that_lasts_is_not_reported_as_an_outage(key: RSAPrivateKey, status: int) -> None:
    said = answer(status, b'{"message": "Although you appear to be allowed, your IP address is not permitted"}')
    for answers in ((said,), (found(), said)):
        with pytest.raises(GitHubRefused) as refused:
            scripted(key, *answers)
        assert 'says: "Although you appear to be allowed, your IP address is not permitted"' in refused.value.public
        assert "octo-org" in refused.value.public


NOT_GITHUBS = [b"<html>Not Found</html>", b"{}", b"[]", b"", b'{"message": 5}', b'{"error": "not found"}']


@pytest.mark.parametrize("body", NOT_GITHUBS)
@pytest.mark.parametrize("status", [404, 401])
def test_an_answer_that_is_not_githubs_is_not_taken_for_one(key: RSAPrivateKey, status: int, body: bytes) -> None:
    strange = answer(status, body)
    for answers in ((strange,), (NOT_FOUND, strange), (found(), strange)):
        with pytest.raises(GitHubUnavailable, match="GITHUB_API_URL does not look like GitHub's API") as refused:
            scripted(key, *answers)
        assert "GITHUB_API_URL" in refused.value.public


def test_a_web_page_instead_of_an_installation_points_to_the_url(key: RSAPrivateKey) -> None:
    for answers in ((answer(200, b"<html>Sign in</html>"),), (found(), answer(201, b"<html>Sign in</html>"))):
        with pytest.raises(GitHubUnavailable, match="GITHUB_API_URL does not look like GitHub's API"):
            scripted(key, *answers)


@pytest.mark.parametrize(
    ("status", "headers", "body", "wait"),
    [
        (403, {"retry-after": "7"}, b"{}", 7),
        (429, {"retry-after": "0"}, b"{}", 1),
        (429, {}, b"<html>", 60),
        (403, {}, b'{"message": "You have exceeded a secondary rate limit. Please wait"}', 60),
        (403, {"x-ratelimit-remaining": "0"}, b"", 60),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1030"}, b"", 30),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, b"", 1),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 400}, b"", 3600),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, b"", 60),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "\u00b2"}, b"", 60),
        (403, {}, b'{"message": "API Rate Limit exceeded"}', 60),
        (403, {"x-ratelimit-remaining": "1"}, b'{"message": "Resource not accessible by integration"}', None),
        (401, {"retry-after": "7"}, b"{}", None),
        (404, {"x-ratelimit-remaining": "0"}, b"{}", None),
    ],
)
def test_a_limit_is_told_from_a_refusal(
    status: int, headers: dict[str, str], body: bytes, wait: int | None
) -> None:
    limited = rate_limit(Answer(status, headers, body), now=1000.0)
    assert (limited.retry_after if limited else None) == wait


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (403, "This installation has been suspended", InstallationSuspended),
        (403, "Suspended", InstallationSuspended),
        (409, "This installation has been suspended", GitHubRefused),
        (403, "no", GitHubRefused),
        (403, "Resource not accessible by integration", GitHubRefused),
        (403, "Resource protected by organization SAML enforcement.", GitHubRefused),
        (451, "Repository access blocked", GitHubRefused),
        (406, "Must accept 'application/json'", GitHubRefused),
        (422, "Validation Failed", GitHubRefused),
        (301, "Moved Permanently", GitHubRefused),
        (404, "Integration not found", InvalidRoleKey),
        (404, "Not Found", GitHubRefused),
        (404, "", NotGitHub),
        (403, "Integration not found", GitHubRefused),
        (401, "A JSON web token could not be decoded", InvalidRoleKey),
        (401, "", NotGitHub),
        (418, "", GitHubRefused),
        (500, "Server Error", GitHubUnavailable),
        (502, "", GitHubUnavailable),
        (204, "", GitHubUnavailable),
    ],
)
def test_a_refusal_means_what_github_means_by_it(status: int, message: str, kind: type[MintError]) -> None:
    given = Answer(status, {}, json.dumps({"message": message}).encode())
    assert type(refusal(given, doing="asking", org=ORG, now=0.0)) is kind


@pytest.mark.parametrize("status", [400, 403, 405, 407, 409, 410, 422])
def test_a_page_that_refuses_lasts_and_points_to_the_address(key: RSAPrivateKey, status: int) -> None:
    page = answer(status, b"<html>blocked by the proxy</html>")
    for answers in ((page,), (found(), page, found())):
        with pytest.raises(GitHubRefused, match="GITHUB_API_URL does not look like GitHub's API") as refused:
            scripted(key, *answers)
        assert f"answered {status} without GitHub's JSON" in refused.value.public
        assert "the mint's operator checks GITHUB_API_URL" in refused.value.public


@pytest.mark.parametrize("status", [401, 404])
def test_a_page_that_is_not_githubs_json_is_not_githubs_refusal(status: int) -> None:
    given = Answer(status, {"content-type": "text/html"}, b"<html>blocked by the proxy</html>")
    failure = refusal(given, doing="asking", org=ORG, now=0.0)
    assert (type(failure), failure.headers()) == (NotGitHub, {"X-Should-Retry": "false"})
    assert "GITHUB_API_URL does not look like GitHub's API" in failure.public
    assert "GITHUB_API_URL does not look like GitHub's API: asking: status" in failure.detail


@pytest.mark.parametrize("status", [301, 302, 406, 451])
def test_a_status_that_says_enough_is_a_refusal_without_json(status: int) -> None:
    given = Answer(status, {}, b"Unavailable For Legal Reasons")
    assert isinstance(refusal(given, doing="asking", org=ORG, now=0.0), GitHubRefused)


def test_no_answer_is_a_timeout_only_if_it_was_one() -> None:
    assert isinstance(no_answer(DeadlineExceeded("x")), UpstreamTimeout)
    assert isinstance(no_answer(Unreachable("x")), GitHubUnavailable)


def quoted(api_host: str = "", **fields: object) -> str:
    given = Answer(403, {}, json.dumps(fields).encode())
    return refusal(given, doing="asking", org=ORG, now=0.0, api_host=api_host).public


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("plain", '"plain"'),
        ("two\nlines\r\n\ttab", '"two lines tab"'),
        ("a \x1b[31mred\x1b[0m bell\x07", '"a [31mred [0m bell"'),
        ("go to https://evil.example/x now", '"go to now"'),
        ("[click](https://evil.example) www.evil.example/a end", '"[click] end"'),
        ("HTTP://EVIL.example javascript://x", "gives no reason"),
        ('say "hi"', "\"say 'hi'\""),
        ("line\u2028separator\u202eflipped", '"line separator flipped"'),
        (f"the token ghs_{'a' * 36} is bad", '"the token <redacted> is bad"'),
        ("x" * 5000, f'"{"x" * 299}…"'),
    ],
)
def test_githubs_sentence_is_quoted_on_one_line_without_links_or_secrets(message: str, shown: str) -> None:
    assert shown in quoted(message=message)


@pytest.mark.parametrize(
    ("url", "host", "kept"),
    [
        ("https://docs.github.com/rest/apps#x", "api.github.com", True),
        ("https://github.com/contact", "", True),
        ("https://ghes.example/docs", "ghes.example", True),
        ("https://ghes.example:8443/docs", "ghes.example:8443", True),
        ("https://ghes.example/docs", "api.github.com", False),
        ("https://docs.github.com.evil.example/", "", False),
        ("https://evil.example/docs.github.com", "", False),
        ("https://docs.github.com@evil.example/", "", False),
        ("http://docs.github.com/", "", False),
        ("javascript:alert(1)", "", False),
        ("https://docs.github.com/a b", "", False),
        ("https://docs.github.com/\n::warning::", "", False),
        (f"https://docs.github.com/{'a' * 201}", "", False),
        (5, "", False),
    ],
)
def test_only_documentation_of_github_or_the_apis_own_host_is_linked(url: object, host: str, kept: bool) -> None:
    shown = quoted(host, message="no", documentation_url=url)
    assert (f"(documentation: {url})" in shown) is kept
    assert ("documentation:" in shown) is kept
