"""Where an App has to be installed, and what may be in the way."""

from __future__ import annotations

import pytest

from fullsend.github.apps import AppFacts
from fullsend.operate.doctor.finding import AppReport, Snapshot
from fullsend.operate.doctor.key_checks import apps
from mintcore.policy.names import Role
from tests.unit.operate.plan_values import ENVIRONMENT, running


@pytest.mark.parametrize(
    ("owner", "ends"),
    [
        ("My-Org", "https://github.com/apps/x/installations/new"),
        ("another", "; make the App public first, if it is private"),
        ("", "; make the App public first, if it is private"),
    ],
)
def test_an_app_of_another_owner_may_have_to_be_made_public_first(owner: str, ends: str) -> None:
    """A private App can be installed on its owner only (GitHub: "Making a GitHub App public or private")."""
    permissions = {
        "contents": "write",
        "issues": "write",
        "metadata": "read",
        "pull_requests": "write",
        "checks": "read",
    }
    facts = AppFacts("1", "x", "https://github.com/apps/x", permissions, owner=owner)
    snapshot = Snapshot(running(ENVIRONMENT | {"ALLOWED_ORGS": "my-org"}), apps={Role("triage"): AppReport(facts)})
    (finding,) = [one for one in apps(snapshot) if one.code == "app_not_installed"]
    assert finding.fix.startswith("An owner of my-org installs it: ")
    assert finding.fix.endswith(ends)
