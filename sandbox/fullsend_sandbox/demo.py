"""Run the steps of `fullsend sandbox demo`, and compare each answer with that of a correct mint.

It prints nothing, and shows tokens only masked.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import urllib3

from fullsend_sandbox.job import Job
from fullsend_sandbox.names import AUDIENCE
from fullsend_sandbox.world import World

TIMEOUT = 30.0
MASK_AFTER = 7
USER_AGENT = "fullsend-sandbox-demo"


@dataclass(frozen=True)
class Answer:
    """An answer: the status, the mint's error code if any, and a sentence for people."""

    status: int | None
    code: str = ""
    sentence: str = ""


@dataclass
class Actor:
    """Acts as CI jobs do, and keeps the token that the first step minted."""

    world: World
    mint_url: str
    http: urllib3.PoolManager
    token: str = field(default="", repr=False)

    def oidc_token(self, job: Job) -> str:
        """Ask the issuer for a job's token as a runner would."""
        environment = self.world.issuer.job_environment(job)
        headers = {"Authorization": f"bearer {environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
        url = f"{environment['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={AUDIENCE}"
        value: str = self.http.request("GET", url, headers=headers).json()["value"]
        return value

    def token_of_another_org(self) -> str:
        """Return the token of a job whose organization the mint does not serve."""
        workflow = "other-org/.fullsend/.github/workflows/triage.yml@refs/heads/main"
        return self.oidc_token(self.world.job(repository="other-org/app", workflow=workflow))

    def mint(self, oidc_token: str, role: str = "triage", repo: str = "app", **more: str) -> Answer:
        """Request a role's token for one repository; keep it if the mint grants it."""
        answer = self.http.request(
            "POST",
            f"{self.mint_url}/v1/token",
            json={"role": role, "repos": [repo], **more},
            headers={"Authorization": f"Bearer {oidc_token}"},
        )
        body = _object(answer)
        if answer.status != OK or not isinstance(body.get("token"), str):
            return Answer(answer.status, str(body.get("code", "")), str(body.get("error", "")))
        self.token = body["token"]
        permissions = " ".join(f"{name}:{level}" for name, level in body["granted_permissions"].items())
        repositories = ", ".join(body["granted_repos"])
        return Answer(answer.status, "", f"{mask(self.token)} for {repositories}: {permissions}")

    def github(self, method: str, path: str, said: str) -> Answer:
        """Use the minted token on GitHub; `said` is the sentence for a success."""
        if not self.token:
            return Answer(None, "", "there is no token to use: none was minted")  # a refusal would prove nothing
        answer = self.http.request(
            method,
            f"{self.world.github.api_url}{path}",
            headers={"Authorization": f"Bearer {self.token}", "User-Agent": USER_AGENT},
        )
        return Answer(answer.status, "", str(_object(answer).get("message", said)))


@dataclass(frozen=True)
class Step:
    """One request, with its correct status and error code."""

    title: str
    act: Callable[[Actor], Answer]
    status: int
    code: str = ""


@dataclass(frozen=True)
class Outcome:
    """The result of a step."""

    step: Step
    answer: Answer
    milliseconds: float

    @property
    def passed(self) -> bool:
        """Whether the answer was correct."""
        return (self.answer.status, self.answer.code) == (self.step.status, self.step.code)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "step": self.step.title,
            "expected": {"status": self.step.status, "code": self.step.code},
            "status": self.answer.status,
            "code": self.answer.code,
            "sentence": self.answer.sentence,
            "milliseconds": round(self.milliseconds, 1),
            "passed": self.passed,
        }


DEMO_ISSUERS = ("gitlab",)
"""The CI systems besides GitHub Actions that the demo's mint serves."""
OK, NO_CONTENT = 200, 204
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404
UNTRUSTED = "octo-org/app/.github/workflows/triage.yml@refs/heads/main"

STEPS = (
    Step(
        "a job of octo-org/app mints a token",
        lambda actor: actor.mint(actor.oidc_token(actor.world.job())),
        OK,
    ),
    Step(
        "the token reads octo-org/app",
        lambda actor: actor.github("GET", "/repos/octo-org/app/contents/README.md", "README.md was read."),
        OK,
    ),
    Step(
        "the token tries octo-org/docs",
        lambda actor: actor.github("GET", "/repos/octo-org/docs/contents/README.md", "README.md was read."),
        NOT_FOUND,
    ),
    Step(
        "the job asks for octo-org/docs",
        lambda actor: actor.mint(actor.oidc_token(actor.world.job()), repo="docs"),
        FORBIDDEN,
        "scope_not_allowed",
    ),
    Step(
        "the job asks for the level read",
        lambda actor: actor.mint(actor.oidc_token(actor.world.job()), level="read"),
        OK,
    ),
    Step(
        "a GitLab job mints for octo-org/app",
        lambda actor: actor.mint(actor.world.ci["gitlab"].token()),
        OK,
    ),
    Step(
        "a workflow that is not trusted",
        lambda actor: actor.mint(actor.oidc_token(actor.world.job(workflow=UNTRUSTED))),
        FORBIDDEN,
        "workflow_not_allowed",
    ),
    Step(
        "a forged OIDC token",
        lambda actor: actor.mint(actor.world.issuer.forged_token(actor.world.job())),
        UNAUTHORIZED,
        "invalid_token",
    ),
    Step(
        "a job of an org that is not allowed",
        lambda actor: actor.mint(actor.token_of_another_org()),
        FORBIDDEN,
        "org_not_allowed",
    ),
    Step(
        "the token is revoked",
        lambda actor: actor.github("DELETE", "/installation/token", "The token is no longer valid."),
        NO_CONTENT,
    ),
    Step(
        "the revoked token tries octo-org/app",
        lambda actor: actor.github("GET", "/repos/octo-org/app/contents/README.md", "README.md was read."),
        UNAUTHORIZED,
    ),
)


def play(world: World, mint_url: str, steps: tuple[Step, ...] = STEPS) -> Iterator[Outcome]:
    """Run each step in order and yield its outcome; a step that raises has no status."""
    with urllib3.PoolManager(retries=False, timeout=TIMEOUT) as http:
        actor = Actor(world, mint_url, http)
        for step in steps:
            began = perf_counter()
            try:
                answer = step.act(actor)
            except urllib3.exceptions.HTTPError as problem:
                answer = Answer(None, "", f"no answer: {type(problem).__name__}")
            yield Outcome(step, answer, (perf_counter() - began) * 1000)


def mask(token: str) -> str:
    """Return the beginning of a token, enough to recognize it and too little to use it."""
    return f"{token[:MASK_AFTER]}…" if len(token) > 2 * MASK_AFTER else "…"


def _object(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    try:
        parsed = json.loads(answer.data)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
