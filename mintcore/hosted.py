"""The hosted mint's composition root: Cloud Functions in front, Google STS and Secret Manager behind.

Settings are checked while the function is loaded. A second thread imports the heavy modules, so ``/health`` answers
immediately. The calls that the first token needs start before these imports, and the services answer meanwhile.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from mintcore.clock import CorrectedClock
from mintcore.http.endpoint import Endpoint
from mintcore.http.framework import serve_with_edge
from mintcore.observe.log import JsonLog, log_corrections
from mintcore.observe.telemetry import Telemetry
from mintcore.policy import trust
from mintcore.settings.environment import ConfigurationError, HostedSettings, read_hosted
from mintcore.startup.background import Background

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.service import MintService
    from mintcore.verify.key_sets import FixedKeys

# STS checks the signature too, so the local check is not worth a long wait for the keys.
_KEY_FETCH_SECONDS = 3.0
_RENEWING_THREADS = 4


def hosted_mint() -> Endpoint:
    """Return the mint that the environment describes.

    Prints one line per problem of the environment on stderr, and raises SystemExit if there is any.
    """
    try:
        settings = read_hosted()
        key_files = _read_key_files(settings)
    except ConfigurationError as error:
        print("\n".join(error.problems), file=sys.stderr)  # noqa: T201 - there is no log yet
        raise SystemExit(1) from None
    log = JsonLog(sys.stdout, project_id=settings.common.project_id)
    endpoint = build(settings, CorrectedClock(), log, key_files)
    serve_with_edge(endpoint, log, threads=settings.common.threads)
    return endpoint


def _read_key_files(settings: HostedSettings) -> Mapping[str, FixedKeys]:
    """Return the keys that ISSUERS has in files. Raises ConfigurationError."""
    if not any(issuer.jwks_file for issuer in settings.common.issuers):
        return {}
    from mintcore.startup.issuers import read_key_files  # noqa: PLC0415 - see the module's docstring

    return read_key_files(settings.common.issuers)


def build(
    settings: HostedSettings, clock: CorrectedClock, log: JsonLog, key_files: Mapping[str, FixedKeys]
) -> Endpoint:
    """Return the endpoint for ``settings``; the mint behind it is built in the background.

    ``key_files`` holds the keys of the issuers that have a ``jwks_file``.
    """
    for warning in settings.common.warnings:
        log.write("WARNING", warning)
    telemetry = Telemetry(settings.common.telemetry) if settings.common.telemetry else None
    mint = Background(lambda: _assemble(settings, clock, log, telemetry, key_files))
    return Endpoint(
        service=mint.result,
        clock=clock,
        log=log,
        deadline_seconds=settings.common.deadline_seconds,
        unhealthy=settings.common.unhealthy,
        observers=() if telemetry is None else (telemetry,),
    )


def _assemble(
    settings: HostedSettings,
    clock: CorrectedClock,
    log: JsonLog,
    telemetry: Telemetry | None,
    key_files: Mapping[str, FixedKeys],
) -> MintService:
    # Imported here and in this order for the reason in the module's docstring.
    from mintcore.keys.access_tokens import AccessTokens  # noqa: PLC0415
    from mintcore.keys.google_api import google_api  # noqa: PLC0415
    from mintcore.keys.secret_manager import DEFAULT_URL, SecretManagerKeys  # noqa: PLC0415
    from mintcore.outbound.channel import Outbound  # noqa: PLC0415
    from mintcore.startup.helper_threads import HelperThreads  # noqa: PLC0415
    from mintcore.startup.issuers import trust_issuers  # noqa: PLC0415
    from mintcore.startup.kms import kms_keys, with_kms  # noqa: PLC0415
    from mintcore.startup.warming import warm_up  # noqa: PLC0415
    from mintcore.verify.jwks import STALE_SECONDS  # noqa: PLC0415

    common = settings.common
    log_corrections(clock, log)
    outbound = Outbound(clock, connections=common.threads, proxy_url=common.proxy_url)
    # One helper for each serving thread, and a few that renew cached values.
    helpers = HelperThreads(common.threads + _RENEWING_THREADS)
    trusted = trust_issuers(
        common.issuers,
        key_files,
        outbound,
        clock,
        fetch_seconds=_KEY_FETCH_SECONDS,
        threads=common.threads,
        # STS decides too, so an old key set may serve while the new one is fetched.
        renewed_seconds=STALE_SECONDS,
        helpers=helpers,
    )
    for one in trusted:  # one thread each: an issuer that is down delays no other
        warm_up([one.keys.load], clock, log)
    tokens = AccessTokens(clock, proxy_url=common.proxy_url)
    secrets = google_api("secretmanager", settings.secret_manager_url or DEFAULT_URL, outbound, tokens)
    app_keys = SecretManagerKeys(secrets, clock, project_number=settings.project_number, helpers=helpers)
    kms = kms_keys(common, outbound, tokens, clock)
    keys = with_kms(kms, app_keys, log)
    warm_up([partial(keys.signer, role) for role in common.policy.roles.key_roles], clock, log)
    sts = outbound.channel("sts", settings.sts_url)
    warm_up([sts.connect, *([] if kms is None else [kms.warm])], clock, log)

    from mintcore.keys.app_jwt import AppJwts  # noqa: PLC0415
    from mintcore.startup.assembly import assemble  # noqa: PLC0415
    from mintcore.verify.chain import HostedVerifier  # noqa: PLC0415
    from mintcore.verify.sts import SecurityTokenService  # noqa: PLC0415

    verifier = HostedVerifier(
        trusted,
        SecurityTokenService(sts, project_number=settings.project_number, pool=settings.pool),
        clock,
        provider_for=lambda claimant: trust.provider_id(common.policy, claimant, settings.provider),
        overlap=settings.overlap,
    )
    service = assemble(
        common,
        verifier=verifier,
        assertions=AppJwts(keys, clock, helpers),
        outbound=outbound,
        clock=clock,
        log=log,
        helpers=helpers,
        overlaps_verification=True,
    )
    if telemetry is not None:
        telemetry.start()
    return service
