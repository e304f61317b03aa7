"""`fullsend mint status`: the options decide whether a job or the mint's operator asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox import names

if TYPE_CHECKING:
    from tests.integration.operate.conftest import Operator


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("octo-org",), "name the project with --project P"),
        (("",), "ORG is empty"),
        (("--region", "us-east1"), "--project (and optionally ORG) as an operator"),
        (("--region", "us-east1", "--mint-url", "https://mint.example.com"), "As an operator, give --project"),
        (("octo-org", "--mint-url", "https://mint.example.com"), "works in a job, without ORG"),
    ],
)
def test_a_status_that_mixes_job_and_operator_says_what_is_too_much(
    words: tuple[str, ...], says: str, operator: Operator
) -> None:
    done = operator.run(
        "mint", "status", *words, FULLSEND_MINT_URL="https://mint.example.com", GOOGLE_CLOUD_PROJECT=None
    )
    assert done.exit_code == 2
    assert says in done.stderr


def test_an_operator_in_a_shell_that_names_a_mint_asks_about_an_organization(operator: Operator) -> None:
    operator.deploy()
    done = operator.run("mint", "status", names.ORG, FULLSEND_MINT_URL="https://mint.example.com")
    assert (done.exit_code, "enrolled" in done.stdout) == (0, True)
    first = done.stdout.partition("\n")[0]
    assert first == "The operator's view. The job's view, in a job: fullsend mint status --mint-url URL"


def test_a_region_asks_about_the_mint_there_in_a_shell_that_names_a_mint(operator: Operator) -> None:
    operator.deploy("--region", "europe-west1")
    done = operator.run("mint", "status", "--region", "europe-west1", FULLSEND_MINT_URL="https://mint.example.com")
    assert (done.exit_code, done.stderr.count("leave --mint-url out")) == (0, 0)
    assert names.ORG in done.stdout
