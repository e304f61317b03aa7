"""`fullsend audit find`: find the events of a token, a request, a repository or a run in a mint's log."""

from __future__ import annotations

import re
import sys
from typing import IO, TYPE_CHECKING, Any

import click

from fullsend.audit.entries import ReadReport, read_events, without_repeats
from fullsend.audit.search import EventFilter, normal_hash
from fullsend.cli.input_option import InputFile
from fullsend.cli.output import FAILED, BadUsage, CommandError, json_option, note, print_json, print_table

if TYPE_CHECKING:
    from fullsend.audit.entries import FoundEvent

_BAD_SHOWN = 3
_RUN = re.compile(r"[0-9]*|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COLUMNS = ("time", "outcome", "role", "who asked", "run", "reaches", "request id")


def _hash(_: click.Context, __: click.Parameter, value: str | None) -> str:
    try:
        return normal_hash(value) if value else ""
    except ValueError:
        # Not quoted: the commonest mistake is to give the token itself.
        raise click.BadParameter(
            "that is not a SHA-256 in base64 or hex; make one from a token with: "
            'printf %s "$TOKEN" | openssl dgst -sha256 -binary | base64'
        ) from None


def _repo(_: click.Context, __: click.Parameter, value: str | None) -> str:
    if value and value.count("/") != 1:
        raise click.BadParameter("write it owner/name")
    return value or ""


def _run(_: click.Context, __: click.Parameter, value: str) -> str:
    value = value.strip()
    if not _RUN.fullmatch(value):
        raise click.BadParameter("the id of a run is a number, and that of a pod a UUID")
    return value


@click.command()
@click.option(
    "--token-hash",
    callback=_hash,
    metavar="HASH",
    help="SHA-256 of the token, as in GitHub's audit log, or in hex.",
)
@click.option(
    "--request-id",
    default="",
    metavar="ID",
    help="The request id in the mint's answer, in X-Request-Id and in a caller's error message.",
)
@click.option(
    "--repo",
    callback=_repo,
    metavar="OWNER/NAME",
    help="A repository that requested a token, that was named in a request, or that a token can reach.",
)
@click.option(
    "--run",
    default="",
    callback=_run,
    metavar="ID",
    help="The run that made the request: the number in the workflow run's URL …/actions/runs/ID, or the id of a "
    "pipeline or pod.",
)
@click.option(
    "--issuer",
    default="",
    metavar="NAME",
    help="The issuer, by its name in ISSUERS, of a job of another CI system that made the request.",
)
@click.option(
    "--would-deny", is_flag=True, help="Only events that a rule of REPORT_ONLY would have denied, with the rules."
)
@json_option
@click.argument("files", nargs=-1, required=True, type=InputFile(), metavar="FILE...")
def find(
    *,
    token_hash: str,
    request_id: str,
    repo: str,
    run: str,
    issuer: str,
    would_deny: bool,
    as_json: bool,
    files: tuple[IO[bytes], ...],
) -> None:
    """Find events in a mint's log: its JSON lines, or an export of Cloud Logging; - is stdin.

    With several options, an event must match all of them. --json prints whole events, with the cause of a refusal.
    An event in several files is shown once. Exit status 1 if nothing is found, 2 if the files have no audit events,
    only unrecognized lines.
    """
    event_filter = EventFilter(token_hash, repo, run, issuer, would_deny, request_id.strip())
    if event_filter == EventFilter():
        raise click.UsageError(
            "say what to look for: --token-hash, --request-id, --repo, --run, --issuer or --would-deny"
        )
    reading, found = ReadReport(), []
    for file in files:
        try:
            found += [entry for entry in read_events(file.name, file, reading) if event_filter.matches(entry.event)]
        except OSError as error:
            raise CommandError(f"{file.name} cannot be read: {error.strerror}.") from None
    events = sorted(without_repeats(found), key=lambda entry: entry.time)
    if as_json:
        print_json([entry.event | {"time": entry.time} for entry in events])
    elif events:
        columns = (*_COLUMNS, "would be denied by") if would_deny else _COLUMNS
        print_table(
            columns, [_row(entry)[: len(_COLUMNS)] + _rules(entry, would_deny) for entry in events], whole=columns
        )
    if reading.bad and not reading.events:
        raise BadUsage(
            f"No audit event was found in {', '.join(file.name for file in files)} ({_first_bad(reading)}).",
            "Give the lines a mint prints, the file of AUDIT_LOG, or an export of Cloud Logging.",
        )
    _report_reading(reading, len(found), len(found) - len(events))
    if not found:
        sys.exit(FAILED)


def _report_reading(reading: ReadReport, found: int, repeats: int) -> None:
    again = f", {repeats} of them duplicates" if repeats else ""
    note(f"{found} of {reading.events} audit events{again}")
    if reading.bad:
        note(f"warning: {len(reading.bad)} lines could not be read as JSON: {_first_bad(reading)}")


def _first_bad(reading: ReadReport) -> str:
    return ", ".join(reading.bad[:_BAD_SHOWN]) + (" and others" if len(reading.bad) > _BAD_SHOWN else "")


def _row(entry: FoundEvent) -> tuple[str, ...]:
    event = entry.event
    caller, issued = _part(event, "caller"), _part(event, "issued")
    run, attempt, actor = (_shown(caller.get(name)) for name in ("run_id", "run_attempt", "actor"))
    outcome = _shown(event.get("outcome"))
    return (
        entry.time if entry.time.isprintable() else repr(entry.time),
        f"{outcome} {_shown(event.get('code'))}".strip(),
        _role(event),
        _who(caller),
        " ".join(
            part for part in (run, f"attempt {attempt}" if attempt else "", f"by {actor}" if actor else "") if part
        ),
        _reach(issued),
        _shown(event.get("request_id")),
    )


def _role(event: dict[str, Any]) -> str:
    """Return the requested role, or a note that it was a status request, which mints nothing."""
    role = _shown(event.get("role"))
    return f"{role} (status)".strip() if event.get("event") == "status" else role


def _who(caller: dict[str, Any]) -> str:
    """Return the repository; for a job of another CI system, its project and the repository that it acts for."""
    repository = _shown(caller.get("repository"))
    if not caller.get("issuer"):
        return repository or "not proven"
    project = f"{_shown(caller.get('issuer'))} {_shown(caller.get('project') or caller.get('project_id'))}".strip()
    return f"{repository or 'no repository'}, for {project}"


def _rules(entry: FoundEvent, would_deny: bool) -> tuple[str, ...]:  # noqa: FBT001 - a column or none
    listed = entry.event.get("would_deny")
    names = ", ".join(_shown(name) for name in listed) if isinstance(listed, list) else ""
    return (names,) if would_deny else ()


def _reach(issued: dict[str, Any]) -> str:
    if not issued:
        return "no token"
    listed = issued.get("repositories")
    return (
        ", ".join(_shown(name) for name in listed) if isinstance(listed, list) and listed else "whole installation"
    )


def _part(event: dict[str, Any], name: str) -> dict[str, Any]:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _shown(value: Any) -> str:
    """Return a log value without control characters. Attack: any caller can put terminal escapes into a claim."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else repr(text)
