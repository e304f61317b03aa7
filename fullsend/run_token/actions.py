"""Run the three actions of `run-token`. Each returns a report to print, in which tokens are masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fullsend.client.masking import audit_hash, masked
from fullsend.failure import BadInput
from fullsend.github.github_errors import GitHubError

if TYPE_CHECKING:
    from fullsend.run_token.app import App, InstallationToken

Keep = Callable[[str], None]
"""Called with a raw token that the user wants in a file."""
Report = dict[str, Any]
REVOKED = "revoked"
ALREADY_GONE = "already gone"


@dataclass(frozen=True, slots=True)
class TokenOptions:
    """The options of the command line."""

    owner: str | None
    repo: str | None
    repositories: Sequence[str]
    permissions: Mapping[str, str]
    print_headers: bool

    def scope(self, action: str) -> tuple[list[str], dict[str, str]]:
        """Return the repositories and permissions to ask for; a runner token needs one permission only."""
        repositories = list(self.repositories) or ([self.repo] if self.repo else [])
        if self.permissions or action != "runner-token":
            return repositories, dict(self.permissions)
        return repositories, {"administration" if self.repo else "organization_self_hosted_runners": "write"}


def mint(app: App, options: TokenOptions, keep: Keep | None) -> Report:
    """Make a token for the run; `keep` gets it raw, the report masked. If `keep` fails, it is revoked."""
    token = _checked(app, options, "mint")
    if keep:
        try:
            keep(token.token)
        except BaseException:
            app.revoke(token.token, fresh=True)
            raise
    return _report("mint", app, options, token)


def runner_token(app: App, options: TokenOptions, keep: Keep | None) -> Report:
    """Make a runner registration token, and revoke the installation token that it needed."""
    if options.owner is None:
        raise BadInput("runner-token needs --owner, and --repo unless it is for the organization.")
    token = _checked(app, options, "runner-token")
    try:
        runner = app.runner_token(token.token, options.owner, options.repo)
        if keep:
            keep(runner.token)
        report = _report("runner-token", app, options, token)
    finally:
        app.revoke(token.token, fresh=True)
    return report | {
        "runner_token_masked": masked(runner.token),
        "runner_token_expires_at": runner.expires_at,
        "installation_token_revoked": True,
    }


def revoke(app: App, options: TokenOptions, token_in_file: str | None) -> Report:
    """Revoke the stored token, or make a token and revoke that."""
    token = token_in_file or _checked(app, options, "revoke").token
    report: Report = {"action": "revoke", "token_masked": masked(token), "hashed_token": audit_hash(token)}
    if options.print_headers:  # read before, because a revoked token cannot ask
        report["rate_limit"] = app.rate_limit(token)
    report["result"] = REVOKED if app.revoke(token, fresh=True) else ALREADY_GONE
    return report


def _checked(app: App, options: TokenOptions, action: str) -> InstallationToken:
    token = app.token(*options.scope(action))
    # The installation comes from the environment and the owner from the command line. A leftover variable could
    # yield a token for another owner's repository of the same name.
    foreign = [n for n in token.repositories if options.owner and n.split("/")[0].lower() != options.owner.lower()]
    if foreign:
        app.revoke(token.token, fresh=True)
        raise GitHubError(
            f"GITHUB_APP_INSTALLATION_ID belongs to {foreign[0].split('/')[0]}, not to {options.owner}; "
            "the token was revoked.",
            "Set GITHUB_APP_INSTALLATION_ID to the installation of the owner.",
        )
    return token


def _report(action: str, app: App, options: TokenOptions, token: InstallationToken) -> Report:
    report: Report = {
        "action": action,
        "token_masked": masked(token.token),
        "hashed_token": audit_hash(token.token),
        "expires_at": token.expires_at,
        "repository_selection": token.repository_selection,
        "repositories": list(token.repositories),
        "permissions": dict(token.permissions),
    }
    if options.print_headers:
        report["rate_limit"] = app.rate_limit(token.token)
    return report
