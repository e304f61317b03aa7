"""The table of all kinds of issuers; a setting cannot add another."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mintcore.policy.kinds.buildkite import BUILDKITE
from mintcore.policy.kinds.circleci import CIRCLECI
from mintcore.policy.kinds.github import GITHUB
from mintcore.policy.kinds.gitlab import GITLAB
from mintcore.policy.kinds.kubernetes import KUBERNETES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.issuers import Kind

KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (GITHUB, GITLAB, BUILDKITE, CIRCLECI, KUBERNETES)}
)
