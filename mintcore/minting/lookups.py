"""Answer policy's questions about GitHub, one after the other, until its decision is final.

Policy decides whether to ask and what an answer means; the ports fetch and cache the answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.errors import InternalError, MintError
from mintcore.policy.decision import NO_FACTS, CommitQuestion, Facts, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from mintcore.policy.caller import Caller
    from mintcore.policy.decision import Decision, Question
    from mintcore.policy.roles import App
    from mintcore.ports import CommitLookup, GrantLookup
    from mintcore.request import RequestContext


class Lookups:
    """Answers questions through the two ports. A port is ``None`` if the mint's settings never need it."""

    def __init__(self, grants: GrantLookup | None, commits: CommitLookup | None) -> None:
        self._grants = grants
        self._commits = commits

    def answer(self, decide: Callable[[Facts], Decision], context: RequestContext) -> Decision:
        """Return ``decide``'s decision once it is final.

        Raises what the ports raise, except for a rule that only reports: its failed question stays unanswered.
        """
        facts = NO_FACTS
        while True:
            decision = decide(facts)
            question = decision.question
            if question is None:
                return decision
            with context.step("lookup"):
                facts = self._with(facts, question, decision, context)

    def _with(self, facts: Facts, question: Question, decision: Decision, context: RequestContext) -> Facts:
        if decision.entitlement is None:
            raise InternalError(detail="policy asks about a role that is not served")
        try:
            return self._ask(facts, question, decision.entitlement.app, decision.acting(), context)
        except MintError as failure:
            if any(rule.question == question and not rule.report_only for rule in decision.rules):
                raise
            return Facts(facts.grants, facts.commits, {**facts.unanswered, question: failure.code})

    def _ask(self, facts: Facts, question: Question, app: App, caller: Caller, context: RequestContext) -> Facts:
        if isinstance(question, CommitQuestion):
            if self._commits is None:
                raise InternalError(detail="this mint cannot look up commits")
            own = Target(caller.org, caller.owner_id)
            contains = self._commits.contains(app, question, own, context)
            return Facts(facts.grants, {**facts.commits, question: contains}, facts.unanswered)
        if self._grants is None:
            raise InternalError(detail="this mint cannot look up grants")
        value = self._grants.variable(app, question, context)
        return Facts({**facts.grants, question: value}, facts.commits, facts.unanswered)
