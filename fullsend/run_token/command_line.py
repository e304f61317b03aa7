"""Parse and run `run-token`, for runs that have an App key and use no mint.

The per-run script and `fullsend run-token` share it. It uses only the standard library, because the script's
machines have neither click nor rich. It prints reports in which tokens are masked.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from fullsend.client.token_api import unknown_to
from fullsend.console import encodable, error_text, tell, without_secrets
from fullsend.failure import BadInput, Failure
from fullsend.github.api import CALL_SECONDS
from fullsend.net.retry import RetryPolicy
from fullsend.private_file import require_regular_file, write_private
from fullsend.run_token import actions
from fullsend.run_token.app import App
from fullsend.run_token.guard import Closed, refusal
from fullsend.run_token.settings import Settings, SettingsError, read_settings
from fullsend.token_source import token_of_file

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
ACTIONS = ("mint", "runner-token", "revoke")
SEVERAL = ("--repositories", "--permissions")
NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}\Z")
PERMISSION = re.compile(r"([a-z_]{1,64}):(read|write|admin)\Z")
DESCRIPTION = """\
Make and revoke tokens for one run directly with a GitHub App's key. Prints JSON with the token masked."""
EPILOG = """\
actions:
  mint            an installation token
  runner-token    a registration token for self-hosted runners
  revoke          revoke the token in --token-file; without it, make a token and revoke that

environment:
  GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID    the App and its installation
  GITHUB_APP_PRIVATE_KEY_PEM or …_PATH         its key, inline or a file
  CODEX_NET_MODE=online_allowlist and          the network guard; the list has
  CODEX_NET_ALLOWLIST=api.github.com           host names separated by commas
  GITHUB_API_URL                               another GitHub"""


class _Parser(argparse.ArgumentParser):
    """Prints errors in the form of all commands, and fails if the help cannot be printed."""

    def print_help(self, file: Any = None) -> None:
        """Print the help; argparse ignores a closed standard output."""
        stream = file or sys.stdout
        stream.write(self.format_help())
        stream.flush()

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        self.exit(USAGE, error_text(message, f"{self.prog} --help shows the usage") + "\n")


def one_permission_each(args: Sequence[str]) -> list[str]:
    """Turn `--permissions a b mint` into `--permissions a --permissions b mint`.

    The first word after the option is always a value; from the second on, an action's name ends the values.
    """
    result: list[str] = []
    option, values = "", 0
    for word in args:
        if option and not values and word.startswith("-"):
            result.append(option)  # without a value it stays an error
        if word in SEVERAL:
            option, values = word, 0
        elif word.startswith("-") or (values and word in ACTIONS):
            option = ""
            result.append(word)
        elif option:
            values += 1
            result += [option, word]
        else:
            result.append(word)
    return [*result, option] if option and not values else result


def run(args: Sequence[str], prog: str) -> int:
    """Run one command line and return its exit status."""
    given = _parser(prog).parse_args(one_permission_each(args))
    try:
        report = _report(given)
        sys.stdout.write(encodable(json.dumps(report, indent=2, ensure_ascii=False)) + "\n")
        sys.stdout.flush()
    except KeyboardInterrupt:
        tell("\nInterrupted.")
        return INTERRUPTED
    except Failure as error:
        tell(error_text(error.message, error.remedy, error.code))
        return USAGE if isinstance(error, BadInput) or getattr(error, "nothing_was_sent", False) else FAILED
    return DONE


def _parser(prog: str) -> _Parser:
    parser = _Parser(
        prog=prog,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help="mint, runner-token or revoke")
    parser.add_argument("--owner", type=_name, help="the organization or user")
    parser.add_argument(
        "--repo", type=_name, help="the repository; for runner-token, leave it out for the organization"
    )
    parser.add_argument(
        "--repositories", action="append", type=_names, default=[], metavar="NAME",
        help="scope of the token, one or more names; default: --repo",
    )  # fmt: skip
    parser.add_argument(
        "--permissions", action="append", type=_permissions, default=[], metavar="NAME:LEVEL",
        help="one or more; default: all that the App has",
    )  # fmt: skip
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE",
        help="mint, runner-token: write the raw token here (mode 0600). revoke: read it from here",
    )  # fmt: skip
    parser.add_argument("--print-headers", action="store_true", help="add the rate-limit buckets")
    parser.add_argument("--dry-run", action="store_true", help="print the request and send nothing")
    return parser


def _name(value: str) -> str:
    # Attack: names go into the path of a URL, where a slash or a question mark would change the request.
    if not NAME.match(value):
        raise argparse.ArgumentTypeError(f"{value!r} is not a GitHub name")
    return value


def _names(value: str) -> list[str]:
    names = [_name(name) for name in re.split(r"[,\s]+", value) if name]
    # An empty value usually comes from an unset variable; it must not request more than intended.
    if not names:
        raise argparse.ArgumentTypeError("it is empty; name a repository, or leave the option out for the default")
    return names


def _permissions(value: str) -> dict[str, str]:
    found = {}
    for text in (part for part in re.split(r"[,\s]+", value) if part):
        match = PERMISSION.match(text)
        if not match:
            raise argparse.ArgumentTypeError(f"{text!r} does not have the form contents:read")
        found[match[1]] = match[2]
    if not found:
        raise argparse.ArgumentTypeError("it is empty; name a permission, or leave the option out for all of them")
    return found


def _report(given: argparse.Namespace) -> dict[str, Any]:
    """Run the action and return its report. Raises Failure."""
    if given.action == "runner-token" and given.owner is None:
        fix = "Give --owner, and --repo unless it is for the organization."
        raise BadInput("runner-token needs an owner.", fix)
    if given.token_file and given.action != "revoke":
        require_regular_file(given.token_file)
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        what = "\n  ".join(["the environment is not complete:", *error.problems])
        raise BadInput(what, "Set the variables; `fullsend run-token --help` lists them.") from None
    repositories = [name for names in given.repositories for name in names]
    permissions = {name: level for found in given.permissions for name, level in found.items()}
    wanted = actions.TokenOptions(given.owner, given.repo, repositories, permissions, given.print_headers)
    closed = refusal(settings.api_url, os.environ)
    if given.dry_run:
        return _plan(given.action, settings, wanted, closed)
    if closed is not None:
        raise BadInput(f"{closed.what}.", closed.fix)
    policy = RetryPolicy(total_seconds=CALL_SECONDS, on_wait=lambda why: tell(without_secrets(why)))
    return _done(given.action, App(settings, retry=policy), wanted, given.token_file)


def _done(action: str, app: App, wanted: actions.TokenOptions, token_file: Path | None) -> dict[str, Any]:
    if action == "revoke":
        kept = token_of_file(token_file, "mint --token-file FILE writes such a file.") if token_file else None
        report = actions.revoke(app, wanted, kept)
        if report["result"] == actions.ALREADY_GONE:
            tell(unknown_to(app.settings.api_url))
        if kept is None:
            tell(
                "This made a new token and revoked it; an earlier token stays valid. Fix: revoke --token-file "
                "FILE revokes the token in a file."
            )
        return report
    keep = partial(_write, token_file) if token_file else None
    if action == "runner-token":
        return actions.runner_token(app, wanted, keep)
    report = actions.mint(app, wanted, keep)
    if not keep:
        tell(
            f"The token was not stored: it is lost, and valid until {report['expires_at']}. Fix: --token-file "
            "FILE stores it, and revoke --token-file FILE revokes it."
        )
    return report


def _plan(action: str, settings: Settings, wanted: actions.TokenOptions, closed: Closed | None) -> dict[str, Any]:
    repositories, permissions = wanted.scope(action)
    return {
        "dry_run": True,
        "action": action,
        "api_url": settings.api_url,
        "app_id": settings.app_id,
        "installation_id": settings.installation_id,
        "repositories": repositories or "all of the installation",
        "permissions": permissions or "all of the installation",
        "network": "; ".join(closed) if closed else "allowed",
    }


def _write(path: Path, token: str) -> None:
    write_private(path, token + "\n")
