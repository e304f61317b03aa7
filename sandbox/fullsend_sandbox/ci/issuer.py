"""Provide the common part of all issuers: discovery, keys, times, signatures, overrides.

The job of each CI system makes its claims. OpenID Connect Discovery 1.0.
"""

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from time import time
from typing import Any, ClassVar

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.keys import new_key
from fullsend_sandbox.loopback import LoopbackService
from fullsend_sandbox.routes import Route, Routes
from fullsend_sandbox.signing import KeyRing, PrivateKey, PublicKey

AUDIENCE = "fullsend-mint"
PREFIX = "sandbox"
"""Paths below it belong to the sandbox, not to the platform."""


class CIJob(ABC):
    """A job of one CI system; a dataclass per kind."""

    @abstractmethod
    def claims(self) -> dict[str, Any]:
        """Return every claim except the issuer's own (`iss aud iat nbf exp jti`)."""


class CIIssuer(LoopbackService):
    """Signs tokens for jobs of one kind, publishes its keys, rotates them on demand.

    `issuer` is the `iss` of its tokens. Pass one to imitate an issuer that the mint cannot reach.
    """

    kind: ClassVar[str]
    base: ClassVar[str] = ""
    """The path of the issuer's URL."""
    keys_path: ClassVar[str]
    lifetime: ClassVar[int]
    not_before: ClassVar[int | None] = 0
    """Seconds between `nbf` and `iat`; None: the kind has no `nbf`."""
    has_jti: ClassVar[bool] = True
    algorithms: ClassVar[tuple[str, ...]] = ("RS256",)
    subject: ClassVar[str]
    """CEL: the `google.subject` of the operator's provider, which must stay under 127 bytes."""
    condition: ClassVar[str]
    """CEL: the attribute condition that admits the default job's project."""
    match: ClassVar[Mapping[str, str]]
    """The `match` of a mint's CALLERS entry for the default job."""

    def __init__(
        self,
        *,
        clock: Clock = time,
        make_key: Callable[[], PrivateKey] = new_key,
        issuer: str = "",
        name: str = "",
    ) -> None:
        table: list[Route] = [
            ("GET", f"{self.base}/.well-known/openid-configuration", self._discovery),
            ("GET", f"{self.base}{self.keys_path}", self._jwks),
            ("GET", f"/{PREFIX}/token", self._handed_out),
            *self.routes(),
        ]
        super().__init__(name or f"ci-{self.kind}", Routes(table, otherwise=_not_found), clock=clock)
        self._keys = KeyRing(make_key)
        if self._keys.algorithm not in self.algorithms:
            raise ValueError(f"{self.kind} signs with {' or '.join(self.algorithms)} only")
        self._given = issuer

    def routes(self) -> list[Route]:
        """Return the platform's routes besides discovery and keys."""
        return []

    @abstractmethod
    def default_job(self) -> CIJob:
        """Return a job that the sandbox's CALLERS entry of this kind matches."""

    @property
    def issuer(self) -> str:
        """The `iss` of its tokens and of its discovery document."""
        return self._given or f"{self.url}{self.base}"

    @property
    def reachable(self) -> bool:
        """Whether Google and the mint can fetch its keys at its own address."""
        return not self._given

    def rotate_key(self, *, publish: bool = True, retire: bool = False) -> None:
        """Sign with a new key from now on; optionally publish it, and optionally withdraw the older keys."""
        self._keys.rotate(publish=publish, retire=retire)

    def published_keys(self) -> Mapping[str, PublicKey]:
        """Return the public keys by key id."""
        return self._keys.public_keys()

    def jwks_text(self) -> str:
        """Return the published key set, as an operator saves it for `jwks_file` or uploads it."""
        return json.dumps(self._keys.jwks())

    def claims(self, job: CIJob | None = None, audience: Any = AUDIENCE, **overrides: Any) -> dict[str, Any]:
        """Return the claims of a fresh token; an override of None leaves the claim out."""
        now = int(self.clock())
        times = {"iat": now, "exp": now + self.lifetime}
        if self.not_before is not None:
            times["nbf"] = now - self.not_before
        own = {"iss": self.issuer, "aud": self.audience_claim(audience), **times}
        if self.has_jti:
            own["jti"] = str(uuid.uuid4())
        claims = (job or self.default_job()).claims() | own
        dropped = {name for name, value in overrides.items() if value is None}
        return {name: value for name, value in (claims | overrides).items() if name not in dropped}

    def audience_claim(self, audience: Any) -> Any:
        """Return `aud` as this kind writes it."""
        return audience

    def token(self, job: CIJob | None = None, audience: Any = AUDIENCE, **overrides: Any) -> str:
        """Return a signed token for a job; overrides replace claims, None removes one."""
        return self.sign(self.claims(job, audience, **overrides))

    def forged_token(self, job: CIJob | None = None, audience: Any = AUDIENCE, **overrides: Any) -> str:
        """Return a token that looks genuine, with a published key id, but is signed with another key."""
        return self._keys.forge(self.claims(job, audience, **overrides))

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Sign any claims with the key in use."""
        return self._keys.sign(claims)

    def discovery(self) -> dict[str, Any]:
        """Return the discovery document."""
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.url}{self.base}{self.keys_path}",
            "subject_types_supported": ["public"],
            "response_types_supported": ["id_token"],
            "id_token_signing_alg_values_supported": list(self.algorithms),
        }

    def _discovery(self, _request: Request) -> Response:
        return json_answer(self.discovery())

    def _jwks(self, _request: Request) -> Response:
        return json_answer(self._keys.jwks())

    def _handed_out(self, request: Request) -> Response:
        """Hand out the default job's token; the sandbox's own path. The query can override claims."""
        return Response(self.token_as_asked(self.claims(), request.args), content_type="text/plain")

    def token_as_asked(self, claims: dict[str, Any], query: Mapping[str, str]) -> str:
        """Sign claims with the overrides of a query; `forged=1` signs with a key that is not published."""
        asked = dict(query)
        forged = asked.pop("forged", "")
        if "audience" in asked:
            claims["aud"] = self.audience_claim(asked.pop("audience"))
        for name, value in asked.items():
            _override(claims, name, value)
        return self._keys.forge(claims) if forged else self.sign(claims)


def _override(claims: dict[str, Any], name: str, value: str) -> None:
    """Set a claim; `kubernetes.io/namespace` is one within an object."""
    top, _, rest = name.partition("/")
    nested = claims.get(top)
    if rest and isinstance(nested, dict):
        claims[top] = dict(nested)
        _override(claims[top], rest, value)
    else:
        claims[name] = value


def json_answer(value: object, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(json.dumps(value), status=status, content_type="application/json")


def _not_found(_request: Request, status: int) -> Response:
    return json_answer({"message": "Not found"}, status)
