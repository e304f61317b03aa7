"""The standalone mint's composition root: ``fullsend-mint``, a directory of keys, the issuer's key set, no cloud.

Settings, key files, audit file and port are checked before the first request. Each problem is one sentence on
stderr, and the exit status is 1. ``--check`` checks the same except the port, which a running mint uses, and prints
the roles that would be served.
"""

from __future__ import annotations

import argparse
import errno
import gc
import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mintcore.clock import CorrectedClock
from mintcore.http.breaker import CircuitBreaker
from mintcore.http.endpoint import Endpoint
from mintcore.http.fallback import UpstreamMint
from mintcore.http.server import listen, serve
from mintcore.http.server_log import TimedLog
from mintcore.keys.access_tokens import AccessTokens
from mintcore.keys.app_jwt import AppJwts
from mintcore.keys.directory import DirectoryKeys
from mintcore.observe.log import log_corrections
from mintcore.observe.metrics import Metrics
from mintcore.observe.telemetry import Telemetry
from mintcore.outbound.channel import Outbound
from mintcore.settings.environment import ConfigurationError, StandaloneSettings, read_standalone
from mintcore.startup.assembly import assemble
from mintcore.startup.audit_log import check_audit_file, open_audit_file
from mintcore.startup.helper_threads import HelperThreads
from mintcore.startup.issuers import read_key_files, trust_issuers
from mintcore.startup.kms import kms_keys, with_kms
from mintcore.startup.printing import print_result, refuse
from mintcore.startup.renewal import Renewal
from mintcore.startup.standalone_report import KeyFindings, PlainWarnings, address, find_keys, never_grants, report
from mintcore.startup.warming import warm_up
from mintcore.verify.chain import StandaloneVerifier
from mintcore.version import VERSION

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mintcore.observe.audit_file import AuditFile
    from mintcore.observe.log import JsonLog
    from mintcore.request import RequestContext
    from mintcore.verify.key_sets import FixedKeys

# The issuer's keys are the only authority here, so a request waits for them, within its deadline.
_KEY_FETCH_SECONDS = 10.0
_RENEWING_THREADS = 4
_FALLBACK_SHARE = 4
_DESCRIPTION = """Exchange a CI job's OIDC token for a short-lived, scoped GitHub App installation token.

Without arguments: serve. Configure it with environment variables; begin with ALLOWED_ORGS, ROLE_APP_IDS,
ALLOWED_WORKFLOW_FILES and PEM_DIR. docs/standalone.md is the guide."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``fullsend-mint`` and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="fullsend-mint",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,  # argparse drops errors of stdout
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this help message and exit")
    parser.add_argument(
        "--check",
        action="store_true",
        help="check settings, key files and audit file, print the roles that would be served, and exit",
    )
    parser.add_argument("--version", action="store_true", help="show program's version number and exit")
    given = parser.parse_args(arguments)
    if given.help or given.version:
        return print_result(parser.format_help().rstrip("\n") if given.help else f"fullsend-mint {VERSION}")
    try:
        settings = read_standalone()
    except ConfigurationError as error:
        return refuse(error.problems)
    return _check(settings) if given.check else _serve(settings)


def build(
    settings: StandaloneSettings,
    keys: DirectoryKeys,
    clock: CorrectedClock,
    log: JsonLog,
    *,
    key_files: Mapping[str, FixedKeys],
    audit_file: AuditFile | None = None,
) -> Mint:
    """Return the mint for ``settings``, without making a connection."""
    common = settings.common
    log_corrections(clock, log)
    outbound = Outbound(clock, connections=common.threads, proxy_url=common.proxy_url)
    trusted = trust_issuers(
        common.issuers, key_files, outbound, clock, fetch_seconds=_KEY_FETCH_SECONDS, threads=common.threads
    )
    verifier = StandaloneVerifier(trusted, clock)
    kms = kms_keys(common, outbound, AccessTokens(clock, proxy_url=common.proxy_url), clock)
    helpers = HelperThreads(_RENEWING_THREADS)
    jwts = AppJwts(with_kms(kms, keys, log), clock, helpers)
    service = assemble(
        common,
        verifier=verifier,
        assertions=jwts,
        outbound=outbound,
        clock=clock,
        log=log,
        audit_file=audit_file,
        helpers=helpers,
    )
    fallback = None
    if settings.fallback_url:
        fallback = UpstreamMint(
            outbound.channel("fallback", settings.fallback_url),
            common.policy.roles,
            log,
            check=verifier.check_locally,
            # A hanging fallback must leave threads for the roles that this mint holds.
            breaker=CircuitBreaker(clock, max_waiting=max(1, common.threads // _FALLBACK_SHARE)),
        )
    telemetry = Telemetry(common.telemetry) if common.telemetry else None
    metrics = Metrics() if settings.metrics else None
    endpoint = Endpoint(
        service=lambda: service,
        clock=clock,
        log=log,
        deadline_seconds=common.deadline_seconds,
        unhealthy=common.unhealthy,
        fallback=fallback,
        observers=[observer for observer in (telemetry, metrics) if observer is not None],
        metrics=None if metrics is None else metrics.text,
    )
    first, *others = (one.keys.load for one in trusted)
    warm = [first, *([] if kms is None else [kms.warm]), *others]
    renewal = None if kms is None else Renewal(jwts, kms.versions, clock)
    return Mint(endpoint, warm, [one.start for one in (telemetry, renewal) if one is not None])


@dataclass(frozen=True, slots=True)
class Mint:
    """The mint, with the warm-up steps and the threads that start in the serving process."""

    endpoint: Endpoint
    warm: Sequence[Callable[[RequestContext], object]]
    threads: Sequence[Callable[[], None]] = ()


def _check(settings: StandaloneSettings) -> int:
    warnings = PlainWarnings(sys.stderr)
    found = find_keys(settings, DirectoryKeys(settings.pem_dir, warnings), CorrectedClock())
    for warning in (*settings.common.warnings, *found.unused, *found.warnings):
        warnings.write("WARNING", warning)
    wrong = [*found.missing, *found.problems]
    with _noting(wrong):
        read_key_files(settings.common.issuers)
    with _noting(wrong):
        warning = check_audit_file(settings.audit_file)
        if warning:
            warnings.write("WARNING", warning)
    wrong += never_grants(settings)
    if wrong:
        return refuse(wrong)
    return print_result(report(settings))


def _serve(settings: StandaloneSettings) -> int:
    # Until gunicorn takes over: a container's first process ignores SIGTERM unless it has a handler.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    clock = CorrectedClock()
    log = TimedLog(sys.stdout, clock, project_id=settings.common.project_id)
    keys = DirectoryKeys(settings.pem_dir, log)
    found = find_keys(settings, keys, clock)
    wrong = [*found.problems]
    with _noting(wrong):
        key_files = read_key_files(settings.common.issuers)
    with _noting(wrong):
        listener = _listen(settings)
    with _noting(wrong):
        audit_file = open_audit_file(settings.audit_file)
    if wrong:
        return refuse(wrong)
    _announce(settings, found, log)
    if audit_file is not None and audit_file.warning:
        log.write("WARNING", audit_file.warning)
    mint = build(settings, keys, clock, log, key_files=key_files, audit_file=audit_file)
    # These objects live as long as the process. Frozen, they are not scanned and stay shared with gunicorn's
    # parent.
    gc.collect()
    gc.freeze()
    serve(
        mint.endpoint,
        listener,
        threads=settings.common.threads,
        deadline_seconds=settings.common.deadline_seconds,
        log=log,
        started=lambda: _begin(mint, clock, log),
    )
    return 0


@contextmanager
def _noting(wrong: list[str]) -> Iterator[None]:
    """Add a ConfigurationError's sentences to ``wrong`` and continue, so one start shows all problems."""
    try:
        yield
    except ConfigurationError as error:
        wrong.extend(error.problems)


def _listen(settings: StandaloneSettings) -> socket.socket:
    """Return the listening socket. Raises ConfigurationError."""
    try:
        return listen(settings.bind, settings.port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno == errno.EADDRNOTAVAIL:
            problem = f"BIND {settings.bind} is not an address of this machine. Fix: BIND=127.0.0.1"
        else:
            problem = f"PORT {settings.port} cannot be used ({reason}). Fix: set another, for example PORT=8081"
        raise ConfigurationError([problem]) from None


def _announce(settings: StandaloneSettings, found: KeyFindings, log: JsonLog) -> None:
    for warning in (*settings.common.warnings, *found.missing, *found.unused, *found.warnings):
        log.write("WARNING", warning)
    if settings.common.custom_roles:
        log.write("INFO", f"custom role permissions registered: [{' '.join(settings.common.custom_roles)}]")
    if settings.fallback_url:
        local = " ".join(sorted(settings.common.policy.roles.holds))
        log.write("INFO", f"fallback mint configured: {settings.fallback_url} (local roles: [{local}])")
    log.write("INFO", f"fullsend-mint starting on {address(settings)} (standalone mode)")


def _begin(mint: Mint, clock: CorrectedClock, log: JsonLog) -> None:
    for start in mint.threads:
        start()
    warm_up(mint.warm, clock, log)
