"""Find out which permission or repository caused a 422, because GitHub does not name it.

Only after a 422 does the mint compare the installation's permissions and look up each repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.errors import (
    GitHubRateLimited,
    MintError,
    PermissionsNotGranted,
    ReposNotAccessible,
    UpstreamTimeout,
)
from mintcore.github.refusals import message_of
from mintcore.outbound.answer import Unusable
from mintcore.policy.levels import ACCESS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mintcore.outbound.answer import Answer
    from mintcore.policy.names import Org, RepoName
    from mintcore.request import RequestContext, Scope

# Each costs a call, so only the first ones are checked.
_MAX_QUESTIONS = 30
_MIN_SECONDS = 2.0


def explain_unprocessable(
    answer: Answer,
    org: Org,
    scope: Scope,
    *,
    granted: Mapping[str, str],
    reaches: Callable[[RepoName], bool],
    failure: MintError,
    context: RequestContext,
) -> MintError:
    """Return a failure that names what the installation lacks, or ``failure`` if the 422 has another cause.

    ``granted`` are the installation's permissions; ``reaches`` asks GitHub whether it covers a repository.
    """
    message = message_of(answer)
    lacking = [
        f"{name}:{level}" for name, level in scope.permissions.items() if not covers(granted.get(name), level)
    ]
    if "permissions" in message.lower() and lacking:
        return PermissionsNotGranted(
            f"The role's GitHub App lacks {', '.join(lacking)} on {org}. Fix: the App's owner adds them to it; "
            f"then an owner of {org} accepts them in the settings of {org} under 'GitHub Apps'."
        )
    if "repositor" in message.lower() and scope.repos:
        out_of_reach = _out_of_reach(scope.repos, reaches, context)
        named = ", ".join(f"{org}/{name}" for name in out_of_reach) or "at least one of the requested repositories"
        if len(scope.repos) > _MAX_QUESTIONS:
            named += f" (only the first {_MAX_QUESTIONS} were checked)"
        return ReposNotAccessible(
            f"The role's GitHub App cannot reach {named}: the repository does not exist, or the installation on "
            f"{org} does not cover it. Fix: correct the name, or have an owner of {org} add the repository to the "
            "installation: Settings → GitHub Apps → Configure → Repository access."
        )
    if "permissions" in message.lower():
        return PermissionsNotGranted(detail=message)
    return failure


def covers(has: str | None, wanted: str) -> bool:
    """Tell whether one level of a permission includes another; ``wanted`` is one of ACCESS."""
    return has in ACCESS and ACCESS.index(has) >= ACCESS.index(wanted)


def _out_of_reach(
    repos: tuple[RepoName, ...], reaches: Callable[[RepoName], bool], context: RequestContext
) -> list[RepoName]:
    found: list[RepoName] = []
    for name in repos[:_MAX_QUESTIONS]:
        if context.deadline.remaining() < _MIN_SECONDS:
            break
        try:
            if not reaches(name):
                found.append(name)
        except (GitHubRateLimited, UpstreamTimeout):
            break
        except (MintError, Unusable):
            continue  # GitHub did not answer about this repository; check the next
    return found
