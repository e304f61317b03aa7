"""The table of trust: caller, enrollment, scope, repositories, level, target and grants against the answer."""

from __future__ import annotations

from tests.contract.rows_trust_levels import LEVELS
from tests.contract.rows_trust_provenance import PROVENANCE, REPORTS, SPELLING
from tests.contract.rows_trust_scope import SCOPE
from tests.contract.rows_trust_targets import TARGETS

ROWS = (*SCOPE, *LEVELS, *TARGETS, *PROVENANCE, *REPORTS, *SPELLING)
