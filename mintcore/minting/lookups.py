"""Get GitHub's answers to policy's questions, a few at a time, until the decision is final.

Policy decides whether to ask and what an answer means; the ports fetch and cache the answers. One question is asked
first, then two, then four, then at most eight in parallel. So a request for many targets ends after few calls if a
target does not grant, and within its deadline if all grant.
"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mintcore.errors import InternalError, MintError
from mintcore.policy.decision import NO_FACTS, CommitQuestion, Facts, GrantQuestion, Ids, IdsQuestion
from mintcore.request import RequestContext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mintcore.policy.caller import Caller
    from mintcore.policy.decision import Decision, Question
    from mintcore.policy.roles import App
    from mintcore.ports import CommitLookup, GrantLookup, Helpers, IdsLookup
    from mintcore.request import DecisionRecord

MAX_AT_ONCE = 8


class Lookups:
    """Answers questions through the ports. A port is ``None`` if the mint's settings never need it.

    ``helpers`` are the threads for parallel questions; without a free thread, questions are asked one after the
    other.
    """

    def __init__(
        self,
        grants: GrantLookup | None,
        commits: CommitLookup | None,
        helpers: Helpers | None = None,
        ids: IdsLookup | None = None,
    ) -> None:
        self._grants = grants
        self._commits = commits
        self._helpers = helpers
        self._ids = ids

    def deny_early(self, decide: Callable[[Facts], Decision], record: DecisionRecord) -> None:
        """Raise a denial that follows from cached answers, or the failure of a look-up that is not allowed now.

        Makes no call, so a request that ends here costs no call to the final authority either.
        """
        decision, facts = record.decision, NO_FACTS
        while decision is not None and decision.questions:
            known = self._known(decision)
            if not known:
                return
            facts = _and(facts, known)
            decision = decide(facts)
        if decision is not None and decision.denial is not None:
            record.decision = decision
            decision.require()

    def _known(self, decision: Decision) -> list[tuple[Question, str | bool | Ids]]:
        """Return the cached answers to the open questions. Raises as the ports' ``known`` does."""
        if decision.entitlement is None:
            raise InternalError(detail="policy asks about a role that is not served")
        app, caller = decision.entitlement.app, decision.acting_caller()
        reports = any(rule.question == decision.question and rule.report_only for rule in decision.rules)
        found: list[tuple[Question, str | bool | Ids]] = []
        with suppress(MintError) if reports else nullcontext():
            for question in decision.questions:
                answer = self._cached(question, app, caller)
                if answer is not None:
                    found.append((question, answer))
        return found

    def _cached(self, question: Question, app: App, caller: Caller) -> str | bool | Ids | None:
        if isinstance(question, CommitQuestion):
            return None if self._commits is None else self._commits.known(app, question, caller)
        if isinstance(question, IdsQuestion):
            return None if self._ids is None else self._ids.known(app, question.enrolled, caller)
        return None if self._grants is None else self._grants.known(app, question, caller)

    def answer(
        self, decide: Callable[[Facts], Decision], context: RequestContext, *, minting: bool = False
    ) -> Decision:
        """Return the decision of ``decide`` once it is final; ``minting`` tells whether it is used to make a token.

        Raises as the ports do, except for a rule that only reports: its failed question stays unanswered.
        """
        facts, at_once = NO_FACTS, 1
        while True:
            decision = decide(facts)
            questions = decision.questions[:at_once]
            if not questions:
                return self._with_current_ids(decide, decision, facts, context) if minting else decision
            with context.step("lookup"):
                facts, failure = self._with(facts, questions, decision, context)
            if failure is not None:
                # The result is as if asked one after the other: a target before the failed one may have refused.
                decision = decide(facts)
                if decision.denial is None:
                    raise failure
                return decision
            at_once = min(2 * at_once, MAX_AT_ONCE)

    def _with_current_ids(
        self, decide: Callable[[Facts], Decision], decision: Decision, facts: Facts, context: RequestContext
    ) -> Decision:
        """Ask GitHub again for cached ids, before a token is made.

        A denied request must not cost a look-up, and an allowed one must not rely on an old id.
        """
        relies = any(rule.name == "ids" and not rule.report_only for rule in decision.rules)
        if not (decision.allowed and relies and context.cache_hits.get("ids")):
            return decision
        if self._ids is None or decision.entitlement is None:
            raise InternalError(detail="this mint cannot look up ids")
        app, caller, ids = decision.entitlement.app, decision.acting_caller(), {}
        with context.step("lookup"):
            for question in facts.ids:
                ids[question] = self._ids.current(app, question.enrolled, caller, context)
        return decide(replace(facts, ids=ids))

    def _with(
        self, facts: Facts, questions: Sequence[Question], decision: Decision, context: RequestContext
    ) -> tuple[Facts, MintError | None]:
        """Return the facts with the answers, up to the first failure."""
        if decision.entitlement is None:
            raise InternalError(detail="policy asks about a role that is not served")
        app, caller = decision.entitlement.app, decision.acting_caller()
        reports = any(rule.question == questions[0] and rule.report_only for rule in decision.rules)
        found: list[tuple[Question, str | bool | Ids]] = []
        unanswered = dict(facts.unanswered)
        failure = None
        for question, answer in zip(questions, self._ask_all(questions, app, caller, context), strict=True):
            if not isinstance(answer, MintError):
                found.append((question, answer))
            elif reports:
                unanswered[question] = answer.code
            else:
                failure = answer
                break
        return _and(replace(facts, unanswered=unanswered), found), failure

    def _ask_all(
        self, questions: Sequence[Question], app: App, caller: Caller, context: RequestContext
    ) -> list[str | bool | Ids | MintError]:
        """Return an answer or a failure for each question, in their order."""
        # Each look-up gets its own context, because a context is not safe to share between threads.
        counts = [RequestContext(context.deadline, context.request_id, context.trace) for _ in questions]

        def ask(number: int) -> str | bool | Ids | MintError:
            try:
                return self._ask(questions[number], app, caller, counts[number])
            except MintError as failure:
                return failure

        pending = [
            None if self._helpers is None else self._helpers.start(partial(ask, number))
            for number in range(1, len(questions))
        ]
        answers = [ask(0)]
        for number, future in enumerate(pending, 1):
            answers.append(ask(number) if future is None else future.result())
        for count in counts:
            context.cache_hits.update(count.cache_hits)
            for service, calls in count.upstream_calls.items():
                context.upstream_calls[service] = context.upstream_calls.get(service, 0) + calls
        return answers

    def _ask(self, question: Question, app: App, caller: Caller, context: RequestContext) -> str | bool | Ids:
        if isinstance(question, CommitQuestion):
            if self._commits is None:
                raise InternalError(detail="this mint cannot look up commits")
            return self._commits.contains(app, question, caller, context)
        if isinstance(question, IdsQuestion):
            if self._ids is None:
                raise InternalError(detail="this mint cannot look up ids")
            return self._ids.ids(app, question.enrolled, caller, context)
        if self._grants is None:
            raise InternalError(detail="this mint cannot look up grants")
        return self._grants.variable(app, question, caller, context)


def _and(facts: Facts, answers: Sequence[tuple[Question, str | bool | Ids]]) -> Facts:
    """Return the facts with more answers."""
    grants, commits, ids = dict(facts.grants), dict(facts.commits), dict(facts.ids)
    for question, answer in answers:
        if isinstance(question, CommitQuestion):
            commits[question] = bool(answer)
        elif isinstance(question, GrantQuestion):
            grants[question] = str(answer)
        elif isinstance(answer, Ids):
            ids[question] = answer
    return Facts(grants, commits, ids, facts.unanswered)
