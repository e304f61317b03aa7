"""Build the mint's service for both modes, with the verifier and the key store of the mode.

Importing this module is slow, because it imports the cryptography and HTTP libraries. So the hosted composition
root imports it in a second thread, while the first thread already answers ``/health``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.github.client import MAX_ANSWER, AppClient
from mintcore.github.current_ids import CurrentIds
from mintcore.github.grant_variables import GrantVariables
from mintcore.github.host_commits import HostCommits
from mintcore.github.installations import GitHubTokens
from mintcore.github.lookup_limits import LookupLimits
from mintcore.minting.lookups import Lookups
from mintcore.observe.audit import StructuredAudit
from mintcore.service import MintService
from mintcore.startup.helper_threads import HelperThreads

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.keys.app_jwt import AppJwts
    from mintcore.observe.audit_file import AuditFile
    from mintcore.observe.log import JsonLog
    from mintcore.outbound.channel import Channel, Outbound
    from mintcore.policy.policy import TrustPolicy
    from mintcore.ports import Helpers, Limiter, TokenUses, Verifier
    from mintcore.settings.environment import Settings


_LOOKUP_THREADS = 32


def assemble(
    settings: Settings,
    *,
    verifier: Verifier,
    assertions: AppJwts,
    outbound: Outbound,
    clock: Clock,
    log: JsonLog,
    helpers: Helpers,
    overlaps_verification: bool = False,
    audit_file: AuditFile | None = None,
) -> MintService:
    """Return the mint that works with this verifier and these App JWTs.

    ``helpers`` renew cached values. With ``overlaps_verification`` they also prepare or request the token while the
    verifier asks the final authority.
    """
    channel = outbound.channel("github", settings.github_api_url, max_answer_bytes=MAX_ANSWER)
    tokens = GitHubTokens(AppClient(channel, assertions, clock), clock, helpers)
    return MintService(
        policy=settings.policy,
        verifier=verifier,
        assertions=assertions,
        tokens=tokens,
        lookups=_lookups(settings.policy, channel, tokens, clock),
        limiter=_limiter(settings, log),
        token_uses=_token_uses(settings, clock, log),
        audit=StructuredAudit(log, audit_file),
        helpers=helpers if overlaps_verification else None,
    )


def _lookups(policy: TrustPolicy, channel: Channel, tokens: GitHubTokens, clock: Clock) -> Lookups:
    """Return the look-ups that this policy can need."""
    refs, limits = policy.workflow_refs, LookupLimits(clock)
    return Lookups(
        grants=GrantVariables(channel, tokens, clock, limits) if policy.grants else None,
        commits=HostCommits(channel, tokens, clock, limits) if refs is not None and refs.commits else None,
        helpers=HelperThreads(_LOOKUP_THREADS) if policy.grants else None,
        ids=CurrentIds(tokens, clock, limits) if policy.enrolled_orgs or policy.enrolled_repos else None,
    )


def _token_uses(settings: Settings, clock: Clock, log: JsonLog) -> TokenUses | None:
    if not settings.mints_per_token:
        return None
    from mintcore.minting.token_uses import TokenCounter  # noqa: PLC0415 - only where there is a limit

    return TokenCounter(settings.mints_per_token, settings.rate_limit_storage, clock, log)


def _limiter(settings: Settings, log: JsonLog) -> Limiter | None:
    if not settings.rate_limit:
        return None
    from mintcore.rate_limit import RepositoryLimiter  # noqa: PLC0415 - only where there is a limit

    return RepositoryLimiter(settings.rate_limit, settings.rate_limit_storage, log)
