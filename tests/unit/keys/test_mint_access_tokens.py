from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.google.control_plane import ControlPlane
from fullsend_sandbox.google.emulated_runner import EmulatedRunner
from mintcore.errors import KeyUnavailable
from mintcore.keys.access_tokens import AccessTokens
from tests.mint_doubles import FakeClock, new_attempt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fullsend_sandbox.loopback import LoopbackService
    from fullsend_sandbox.world import World


@pytest.fixture
def sign_in(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackService]:
    """Let application-default credentials be a service account of the sandbox."""
    with ControlPlane(world, runner=EmulatedRunner()) as plane:
        plane.write_credentials(tmp_path / "credentials.json")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "credentials.json"))
        yield next(service for service in plane.services() if service.name == "google-oauth2")


def test_a_token_is_reused_and_a_refused_one_replaced(sign_in: LoopbackService) -> None:
    clock = FakeClock()
    tokens = AccessTokens(clock)
    first = tokens.token(new_attempt(clock))
    assert first.reveal().startswith("ya29.")
    assert tokens.token(new_attempt(clock)) is first
    assert len(sign_in.traffic) == 1
    tokens.forget(first)
    assert tokens.token(new_attempt(clock)).reveal() != first.reveal()


def test_a_token_is_renewed_before_it_expires_and_serves_meanwhile(sign_in: LoopbackService) -> None:
    clock = FakeClock()
    tokens = AccessTokens(clock)
    first = tokens.token(new_attempt(clock))
    clock.advance(3400)
    assert tokens.token(new_attempt(clock)) is first
    for thread in threading.enumerate():
        if thread.name == "access-token":
            thread.join(10)
    assert tokens.token(new_attempt(clock)) is not first
    assert len(sign_in.traffic) == 2


def test_no_credentials_and_no_time_are_said_without_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    clock = FakeClock()
    with pytest.raises(KeyUnavailable, match="DefaultCredentialsError"):
        AccessTokens(clock).token(new_attempt(clock))
