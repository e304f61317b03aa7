"""`fullsend mint probe`: make a file's requests and compare the answers, in a scheduled job."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.mint.caller_options import errors_explained, mint_options
from fullsend.cli.output import FAILED, BadUsage, CommandError, json_option, note, print_json, print_table, progress
from fullsend.cli.retry_notice import retry_policy
from fullsend.client.expectations import Outcome, probe, read_expectations
from fullsend.client.identity import ambient_token
from fullsend.client.token_api import TokenApi
from fullsend.explain.input_errors import UnusableInputError
from fullsend.explain.text_file import read_text
from fullsend.github.api import job_api_url
from fullsend.net.failures import NoAnswerError
from fullsend.net.transport import Transport
from fullsend.net.urls import UnsafeUrlError, credential_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fullsend.client.expectations import Expectation
    from fullsend.net.answer import Answer


@click.command("probe")
@click.option(
    "--expect",
    "expect_file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A YAML list of requests and the answers they must get.",
)
@mint_options
@json_option
def probe_(*, expect_file: Path, mint_urls: list[str], audience: str, timeout: float, as_json: bool) -> None:
    """Check that a mint grants and refuses as it should.

    Makes each request of the file once, as this job, and compares status, code and grant. Granted tokens are
    revoked immediately. Exit status 1 if any answer differs, so a schedule can raise an alert.
    """
    expectations = _read(expect_file)
    if not {entry.grants for entry in expectations} >= {True, False}:
        note("The file expects only grants or only refusals. A good probe has both.")
    outcomes: list[tuple[str, Outcome]] = []
    for url in mint_urls:
        with progress(f"probing {url}"):
            outcomes += [(url, outcome) for outcome in _probe(url, expectations, audience, timeout)]
    _print(outcomes, as_json=as_json)
    failed = [outcome for _, outcome in outcomes if outcome.problems]
    if failed:
        note(f"{len(failed)} of {len(outcomes)} answers differ from the expected ones.")
        sys.exit(FAILED)


_GUIDE = "See docs/operate.md, Probe a mint"


def _read(path: Path) -> list[Expectation]:
    try:
        return read_expectations(read_text(path))
    except UnusableInputError as error:  # it names the file
        raise BadUsage(str(error), _GUIDE) from None
    except ValueError as error:
        raise BadUsage(f"{path}: {error}.", _GUIDE) from None


def _probe(url: str, expectations: list[Expectation], audience: str, timeout: float) -> list[Outcome]:
    transport, retry = Transport(), retry_policy(timeout)
    tokens = TokenApi(job_api_url(os.environ), transport, retry)
    try:
        base = credential_url(url, what="The mint URL", example="https://mint.example.com")
    except UnsafeUrlError as error:
        raise BadUsage(f"{error}.") from None

    def ask(body: Mapping[str, Any], authorization: str) -> Answer:
        return transport.send(
            "POST",
            f"{base}/v1/token",
            retry=retry,
            authorization=authorization,
            json=dict(body),
            again=lambda _: False,
        )

    with errors_explained():
        try:
            return probe(
                expectations,
                ask,
                lambda: ambient_token(audience, os.environ, transport, retry),
                lambda token: tokens.revoke(token, fresh=True),
            )
        except NoAnswerError as error:
            raise CommandError(f"The mint gave no answer: {error}.", "Check the URL and the network.") from error


def _print(outcomes: Sequence[tuple[str, Outcome]], *, as_json: bool) -> None:
    if as_json:
        print_json([{"mint_url": url, **outcome.as_json()} for url, outcome in outcomes])
        return
    rows = [
        (
            "WRONG" if outcome.problems else "ok",
            outcome.expectation.name,
            f"{outcome.status} {outcome.code}".rstrip(),
            "; ".join(outcome.problems),
        )
        for _, outcome in outcomes
    ]
    print_table(("", "request", "answer", "problem"), rows)
