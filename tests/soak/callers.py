"""Callers of every kind, and the answers that each may get while any part is broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from mintcore.policy.names import Role
from mintcore.policy.roles import BUILT_IN

if TYPE_CHECKING:
    import random
    import threading
    from collections.abc import Callable

    from fullsend_sandbox.world import World

BROKEN = {
    "sts_unavailable", "key_unavailable", "github_unavailable", "github_rate_limited", "upstream_timeout",
    "installation_suspended", "app_not_installed", "invalid_role_key",
}  # fmt: skip
HOST = "fullsend-ai/fullsend/.github/workflows/triage.yml@refs/heads/main"


@dataclass(frozen=True)
class Kind:
    """A kind of caller: the token it sends, and the codes it may get; ``mints`` if it may get a token."""

    name: str
    token: Callable[[World], str]
    codes: frozenset[str]
    mints: bool = False
    role: str = "coder"


# After a rotation the issuer may be down, so the mint cannot fetch the new key: then STS decides about the token.
# Without an answer of STS the mint answers 502 and never grants.
UNDECIDED = frozenset({"invalid_token", "sts_unavailable"})
KINDS = (
    Kind("good", lambda w: w.issuer.token(w.job()), frozenset(BROKEN | {"invalid_token"}), mints=True),
    Kind(
        "good triage",
        lambda w: w.issuer.token(w.job()),
        frozenset(BROKEN | {"invalid_token"}),
        mints=True,
        role="triage",
    ),
    Kind("forged", lambda w: w.issuer.forged_token(w.job()), UNDECIDED),
    Kind("other audience", lambda w: w.issuer.token(w.job(), aud="x"), frozenset({"invalid_token"})),
    Kind(
        "other org",
        lambda w: w.issuer.token(w.job(repository="other-org/app", workflow=HOST)),
        UNDECIDED | {"org_not_allowed"},
    ),
    Kind(
        "own workflow",
        lambda w: w.issuer.token(w.job(workflow="octo-org/app/.github/workflows/triage.yml@refs/heads/main")),
        UNDECIDED | {"workflow_not_allowed"},
    ),
    Kind("other role", lambda w: w.issuer.token(w.job()), UNDECIDED | {"role_not_allowed"}, role="scanner"),
)


@dataclass
class Tally:
    """The answers per kind of caller, and every wrong answer."""

    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def call_until(stop: threading.Event, url: str, world: World, rng: random.Random, tally: Tally) -> None:
    """Send one request after the other until told to stop."""
    with requests.Session() as session:
        session.trust_env = False
        while not stop.is_set():
            kind = rng.choice(KINDS)
            repos = rng.choice([["app"], ["docs"], ["app", "docs"], []])
            answer = session.post(
                f"{url}/v1/token",
                json={"role": kind.role, "repos": repos},
                headers={"Authorization": f"Bearer {kind.token(world)}"},
                timeout=30,
            )
            judge(kind, repos, answer, tally)


def judge(kind: Kind, repos: list[str], answer: requests.Response, tally: Tally) -> None:
    """Note the answer, and whether this kind of caller must never get it."""
    fields: dict[str, Any] = answer.json()
    if answer.status_code == 200:
        tally.seen[kind.name, "minted"] += 1
        if not kind.mints:
            tally.wrong.append(f"{kind.name} minted")
        elif fields["granted_permissions"] != dict(BUILT_IN[Role(kind.role)]):
            tally.wrong.append(f"{kind.name} got {fields['granted_permissions']}")
        elif sorted(fields["granted_repos"]) != sorted(f"octo-org/{name}" for name in repos):
            tally.wrong.append(f"{kind.name} asked {repos} and got {fields['granted_repos']}")
        return
    tally.seen[kind.name, fields["code"]] += 1
    if fields["code"] not in kind.codes:
        tally.wrong.append(f"{kind.name} got {answer.status_code} {fields}")
