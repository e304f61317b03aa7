"""Which keys a deletion removes: those of the roles that the mint's settings name, and none without settings."""

from __future__ import annotations

import pytest

from fullsend.operate.model.kms_names import KeyState, KmsVersion, key_name
from fullsend.operate.model.mint_state import MintState, SecretState, Version
from fullsend.operate.plan.deletion import delete, kept_keys
from fullsend.operate.plan.steps.kms_steps import DisableKeyVersion
from fullsend.operate.plan.steps.secret_steps import DeleteSecret
from mintcore.policy.names import Role
from tests.unit.operate.plan_values import ENVIRONMENT, PLACE, running

TRIAGE, SCRIBE = Role("triage"), Role("scribe")
MEMBER = running().member
READABLE = SecretState((Version(1, "ENABLED"),), frozenset({MEMBER}))
STORED = {TRIAGE: READABLE, SCRIBE: READABLE}
KMS = {
    role: KeyState(
        (KmsVersion(f"{key_name(PLACE, role)}/cryptoKeyVersions/1", "ENABLED", "RSA_SIGN_PKCS1_2048_SHA256"),),
        frozenset({MEMBER}),
    )
    for role in STORED
}


def removed(state: MintState) -> list[Role]:
    steps = delete(state, STORED, KMS, keep_keys=False)
    return [step.role for step in steps if isinstance(step, DeleteSecret | DisableKeyVersion)]


def test_the_keys_of_served_roles_are_removed_and_the_others_are_named() -> None:
    assert removed(running()) == [TRIAGE, TRIAGE]
    assert kept_keys(running(), STORED, KMS).splitlines() == [
        "Not deleted, because this mint does not serve their roles: the keys of scribe",
        "To delete those that nothing else uses (a deleted secret cannot be restored):",
        "gcloud secrets delete fullsend-scribe-app-pem --project my-project",
    ]


@pytest.mark.parametrize(
    "state",
    [
        running(function=None, service=None),
        running(service=None, function={"serviceConfig": {"environmentVariables": ENVIRONMENT}}),
        running(ENVIRONMENT | {"ROLE_APP_IDS": '{"triage": "7"'}),
        running(ENVIRONMENT | {"ROLE_APP_IDS": ""}),
    ],
    ids=["function deleted", "service deleted", "invalid roles", "no roles"],
)
def test_without_readable_settings_every_key_is_kept_with_the_command_that_deletes_it(state: MintState) -> None:
    assert removed(state) == []
    kept = kept_keys(state, STORED, KMS)
    assert "the mint's settings are gone or unreadable, so its own keys are unknown" in kept
    for role in STORED:
        assert f"gcloud secrets delete fullsend-{role}-app-pem --project my-project" in kept
        assert f"gcloud kms keys versions disable 1 --key fullsend-{role}-app --keyring fullsend-mint" in kept


def test_nothing_is_kept_where_no_key_is_left() -> None:
    assert kept_keys(running(function=None, service=None), {}, {}) == ""
    assert kept_keys(running(), {TRIAGE: READABLE}, {}) == ""
