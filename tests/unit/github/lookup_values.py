"""Names and questions that the tests of look-ups share."""

from __future__ import annotations

from mintcore.github.lookup_limits import Lookup
from mintcore.policy.caller import Caller
from mintcore.policy.decision import GrantQuestion
from mintcore.policy.names import parse_repo
from mintcore.policy.roles import App
from tests.unit.github.lookup_world import CODER, VARIABLE

LIBRARY = "target-org/library"
TOKENS = "/app/installations"
TOOL = Caller(parse_repo("caller-org/tool"))
APP = App("1", CODER)


def lookup(target: str = LIBRARY, app: App = APP) -> Lookup:
    return Lookup(app, GrantQuestion(parse_repo(target), VARIABLE))


def job(repository: str = "caller-org/tool") -> Caller:
    return Caller(parse_repo(repository))
