"""Check the key files and settings before ``fullsend-mint`` serves, and describe them as text for the operator.

It reads key files and never prints a secret.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mintcore.errors import MintError, RoleKeyMissing
from mintcore.observe.log import JsonLog
from mintcore.request import Deadline, RequestContext
from mintcore.startup.key_files import folder_warning, shared_keys, similar_file, with_fix
from mintcore.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TextIO

    from mintcore.clock import Clock
    from mintcore.keys.directory import DirectoryKeys
    from mintcore.policy.issuers import Issuer
    from mintcore.settings.environment import StandaloneSettings

_CHECK_SECONDS = 20.0
_NO_DIRECTORY = "PEM_DIR {} is not a directory. Fix: create it with one file ROLE.pem for each role, or set PEM_DIR"
_NO_ROLES = (
    "no role would be served: no role in ROLE_APP_IDS has permissions. Fix: add a built-in role, or permissions "
    "with "
    "CUSTOM_ROLE_PERMISSIONS"
)
_NO_ORGS = (
    "every request would be denied: ALLOWED_ORGS and PER_REPO_WIF_REPOS are empty. Fix: set one, for example "
    "ALLOWED_ORGS=myorg"
)
_NO_FILES = (
    "every request would be denied: ALLOWED_WORKFLOW_FILES is not set. Fix: set it, for example "
    "ALLOWED_WORKFLOW_FILES=triage.yml"
)


@dataclass(frozen=True, slots=True)
class KeyFindings:
    """Problems with the key files.

    With ``missing``, a role gets no tokens. ``problems`` stop the start. ``unused`` files are not read, because
    Cloud KMS signs. ``warnings`` concern how the files are stored.
    """

    missing: tuple[str, ...]
    problems: tuple[str, ...]
    unused: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class PlainWarnings(JsonLog):
    """A log for a person at a terminal: only the message."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._terminal = stream

    def write(
        self,
        _severity: str,
        message: str,
        _fields: Mapping[str, Any] | None = None,
        _trace: str = "",
        *,
        proven: object = None,  # noqa: ARG002 - the log's signature
    ) -> str:
        """Print the message as a warning, which is all that is logged before serving."""
        line = f"warning: {message}\n"
        self._terminal.write(line)
        return line


def find_keys(settings: StandaloneSettings, keys: DirectoryKeys, clock: Clock) -> KeyFindings:
    """Read the key of every role that is served."""
    if not os.path.isdir(settings.pem_dir):  # noqa: PTH112 - a string, as it was given
        return KeyFindings((), (_NO_DIRECTORY.format(os.path.abspath(settings.pem_dir)),))  # noqa: PTH100
    context = RequestContext(Deadline(clock, _CHECK_SECONDS), "check")
    missing, problems, unused = [], [], []
    for role in settings.common.policy.roles.key_roles:
        if role in settings.common.role_kms_keys:
            if os.path.exists(keys.path(role)):  # noqa: PTH110 - a string
                unused.append(
                    f"the role {role} signs with Cloud KMS, and {keys.path(role)} is not read. Fix: delete the file"
                )
            continue
        try:
            keys.signer(role, context)
        except RoleKeyMissing as failure:
            other = similar_file(settings.pem_dir, role)
            rename = f". The folder has {other!a}, which is not read. Fix: rename it to {role}.pem" if other else ""
            missing.append(
                f"{failure.detail}: the role {role} gets no tokens until you put the App's private key there"
                + rename
            )
        except MintError as failure:
            path = keys.path(role)
            where = "" if path in failure.detail else f"{path}: "
            problems.append(with_fix(f"{where}{failure.detail}"))
    apps = {
        keys.path(grant.app.key_role): grant.app.app_id
        for grant in settings.common.policy.roles.serves.values()
        if grant.app.key_role not in settings.common.role_kms_keys
    }
    warnings = filter(None, (folder_warning(settings.pem_dir), *shared_keys(apps)))
    return KeyFindings(tuple(missing), tuple(problems), tuple(unused), tuple(warnings))


def never_grants(settings: StandaloneSettings) -> list[str]:
    """Return the reasons why a mint with these settings would start and yet grant nothing."""
    policy = settings.common.policy
    if settings.common.unhealthy:
        return [settings.common.unhealthy]
    problems = [] if policy.roles.serves else [_NO_ROLES]
    if policy.orgs is None:
        return problems
    if not policy.orgs and not policy.per_repo_repos:
        problems.append(_NO_ORGS)
    if policy.workflow_files is not None and not policy.workflow_files and not policy.callers:
        problems.append(_NO_FILES)
    return problems


def address(settings: StandaloneSettings) -> str:
    """Return the mint's address as ``host:port``, with an empty host for every interface."""
    host = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
    return f"{host}:{settings.port}"


def report(settings: StandaloneSettings) -> str:
    """Return the settings and the roles as text in columns; it holds no secret."""
    common, policy = settings.common, settings.common.policy
    told = [
        ("listens on", address(settings)),
        ("organizations", "any (public mode)" if policy.orgs is None else _list(str(org) for org in policy.orgs)),
        ("workflow files", "any" if policy.workflow_files is None else _list(policy.workflow_files)),
        ("trusted repos", _list(str(repo) for repo in policy.host_repos)),
        *((f"{entry.issuer} jobs", f"act for {entry.acts_as}") for entry in policy.callers),
        ("own workflows", _list(str(repo) for repo in policy.per_repo_repos)),
        ("audience", common.audience),
        *((f"issuer {issuer.name}".rstrip(), _issuer(issuer)) for issuer in common.issuers),
        ("GitHub API", common.github_api_url),
        ("rate limit", common.rate_limit or "none"),
        ("other roles", f"forwarded to {settings.fallback_url}" if settings.fallback_url else "denied"),
    ]
    rows = [("ROLE", "APP ID", "KEY", "PERMISSIONS")]
    rows += [
        (
            role,
            grant.app.app_id,
            common.role_kms_keys.get(
                grant.app.key_role, f"{settings.pem_dir.rstrip('/')}/{grant.app.key_role}.pem"
            ),
            " ".join(f"{name}:{level}" for name, level in grant.permissions.items()),
        )
        for role, grant in sorted(policy.roles.serves.items())
    ]
    title = f"fullsend-mint {VERSION}: the settings and the key files are good"
    return "\n".join([title, "", *_columns(told), "", *_columns(rows)])


def _issuer(issuer: Issuer) -> str:
    kept = f", keys in {issuer.jwks_file}" if issuer.jwks_file else ""
    return f"{issuer.url} ({issuer.kind.name}{kept})" if issuer.name else issuer.url


def _list(items: Iterable[str]) -> str:
    return ", ".join(sorted(items)) or "none"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
