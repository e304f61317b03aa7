"""A small GitHub for tests, and a caller that speaks to it over HTTP."""

from __future__ import annotations

import functools
import itertools
import json
from typing import TYPE_CHECKING, Any, Self

import jwt
import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fullsend_sandbox.clock import AdjustableClock
from fullsend_sandbox.github import App, GitHubService, Installation, TokenStyle
from fullsend_sandbox.keys import new_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

NOW = 1_900_000_000
PERMISSIONS = {"contents": "write", "issues": "write", "pull_requests": "read"}


@functools.cache
def rsa_key(_number: int) -> rsa.RSAPrivateKey:
    """Make a key once per test process; keys are slow to make."""
    return new_key()


@functools.cache
def loaded(pem: bytes) -> Any:
    """Read a key once; OpenSSL's check of one takes 30 ms."""
    return load_pem_private_key(pem, None)


class Octo:
    """The organization Octo-Org and the user mona, with the App `coder` installed on both."""

    def __init__(self, *, style: TokenStyle = TokenStyle.CLASSIC, prefix: str = "") -> None:
        numbers = itertools.count()
        self.clock = AdjustableClock(lambda: NOW)
        self.service = GitHubService(
            clock=self.clock, make_key=lambda: rsa_key(next(numbers)), token_style=style, prefix=prefix
        )
        self.service.create_org("Octo-Org")
        self.service.create_user("mona")
        for name in ("Octo-Org/secret", "Octo-Org/other", "mona/notes"):
            self.service.create_repo(name)
        self.service.create_repo("Octo-Org/open", private=False)
        self.app = self.service.create_app("coder", PERMISSIONS)
        self.on_org = self.service.install_app(self.app, "octo-org")
        self.on_user = self.service.install_app(self.app, "mona")
        self.session = requests.Session()
        self.session.trust_env = False

    def __enter__(self) -> Self:
        self.service.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()
        self.service.stop()

    def jwt(self, app: App | None = None, *, pem: bytes | None = None, **overrides: object) -> str:
        """Return an App JWT; an override of None leaves the claim out."""
        app = app or self.app
        now = int(self.clock())
        claims = {"iss": app.client_id, "iat": now - 60, "exp": now + 540} | overrides
        kept = {name: value for name, value in claims.items() if value is not None}
        # The layer below `jwt.encode`, which would not sign the odd claims that GitHub has to refuse.
        return jwt.api_jws.encode(json.dumps(kept).encode(), loaded(pem or app.private_key_pem), algorithm="RS256")

    def ask(self, method: str, path: str, token: str | None = None, **options: Any) -> requests.Response:
        """Send one request; redirects come back as they are."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        url = f"{self.service.api_url}{path}"
        return self.session.request(method, url, headers=headers, allow_redirects=False, timeout=10, **options)

    def as_app(self, method: str, path: str, app: App | None = None, **options: Any) -> requests.Response:
        """Send one request as the App."""
        return self.ask(method, path, self.jwt(app), **options)

    def create_token(self, installation: Installation | None = None, **body: object) -> requests.Response:
        """Ask for an installation token."""
        installation = installation or self.on_org
        path = f"/app/installations/{installation.id}/access_tokens"
        return self.as_app("POST", path, installation.app, json=body)

    def token(self, installation: Installation | None = None, **body: object) -> str:
        """Return a fresh installation token."""
        response = self.create_token(installation, **body)
        assert response.status_code == 201, response.text
        return str(response.json()["token"])


def refusal(response: requests.Response) -> tuple[int, str]:
    """Return the status and message of an error, whose form is checked on the way."""
    body = response.json()
    assert body["status"] == str(response.status_code)
    assert body["documentation_url"].startswith("https://docs.github.com/rest")
    return response.status_code, body["message"]
