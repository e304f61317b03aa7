from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.github import GitHubService
from fullsend_sandbox.keys import KeyPool
from tests.unit.sandbox.sandbox_github_octo import Octo

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    "wrong",
    [
        lambda octo: octo.service.create_org("octo-ORG"),
        lambda octo: octo.service.create_user("Octo-Org"),
        lambda octo: octo.service.create_user(""),
        lambda octo: octo.service.create_user("-dash"),
        lambda octo: octo.service.create_user("a/b"),
        lambda octo: octo.service.create_user("x" * 40),
        lambda octo: octo.service.create_repo("Octo-Org/SECRET"),
        lambda octo: octo.service.create_repo("nobody/repo"),
        lambda octo: octo.service.create_repo("Octo-Org"),
        lambda octo: octo.service.create_repo("Octo-Org/a/b"),
        lambda octo: octo.service.create_repo("Octo-Org/.."),
        lambda octo: octo.service.rename_account("Octo-Org", "mona"),
        lambda octo: octo.service.rename_repo("Octo-Org/secret", "other"),
        lambda octo: octo.service.rename_repo("Octo-Org/nothing", "other"),
        lambda octo: octo.service.delete_repo("Octo-Org/nothing"),
        lambda octo: octo.service.create_app("coder", {}),
        lambda octo: octo.service.create_app("Coder", {}),
        lambda octo: octo.service.create_app("new", {"contents": "own"}),
        lambda octo: octo.service.create_app("new", {"metadata": "write"}),
        lambda octo: octo.service.install_app(octo.app, "octo-org"),
        lambda octo: octo.service.install_app(octo.app, "nobody"),
        lambda octo: octo.service.select_repositories(octo.on_org, ["notes"]),
        lambda octo: octo.service.select_repositories(octo.on_org, "secret"),
    ],
)
def test_what_github_would_not_let_anyone_do_is_a_value_error(wrong: Callable[[Octo], object]) -> None:
    with pytest.raises(ValueError, match=r"not|taken|already|no account|no repository"):
        wrong(Octo())


def test_an_account_cannot_accept_what_the_app_did_not_ask_for() -> None:
    octo = Octo()
    octo.service.create_org("new")
    with pytest.raises(ValueError, match="coder does not ask for checks:read"):
        octo.service.install_app(octo.app, "new", permissions={"checks": "read"})


def test_a_repository_that_begins_with_a_dot_is_allowed() -> None:
    assert Octo().service.create_repo("Octo-Org/.fullsend").full_name == "Octo-Org/.fullsend"


def test_only_the_case_of_a_login_can_change() -> None:
    octo = Octo()
    octo.service.rename_account("octo-org", "OCTO-ORG")
    assert octo.on_org.account.login == "OCTO-ORG"


def test_keys_can_come_from_a_pool() -> None:
    pool = KeyPool(ahead=2)
    service = GitHubService(make_key=pool.next_key)
    first, second = service.create_app("one", {}), service.create_app("two", {})
    pool.close()
    assert first.private_key_pem != second.private_key_pem
    assert first.private_key_pem.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
