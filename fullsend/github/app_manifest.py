"""Describe a role's GitHub App for GitHub: the manifest, the prefilled form, and GitHub's answer.

GitHub: "Registering a GitHub App from a manifest", "Registering a GitHub App using URL parameters"; REST "Create a
GitHub App from a manifest". Pure: it sends nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from mintcore.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NAME = 34
"""GitHub's limit for the name of an App."""
_ABOUT = "https://github.com/fullsend-ai/fullsend"


@dataclass(frozen=True, slots=True)
class NewApp:
    """An App to create for one role of one organization."""

    org: str
    role: str
    permissions: Mapping[str, str]
    public: bool = False

    @property
    def name(self) -> str:
        """Return the name to suggest; App names are unique on all of GitHub and have at most 34 characters."""
        return f"{self.org}-{self.role}"[:MAX_NAME].rstrip("-")

    @property
    def slug(self) -> str:
        """Return the slug that GitHub makes of the name."""
        return self.name.lower().replace("_", "-")

    def manifest(self, redirect_url: str) -> str:
        """Return the manifest as JSON: the role's permissions, no webhook, no events."""
        fields = {
            "name": self.name,
            "url": _ABOUT,
            "description": f"Tokens of the role {self.role}, issued by the token mint.",
            "redirect_url": redirect_url,
            "public": self.public,
            "default_permissions": dict(self.permissions),
            "default_events": [],
        }
        return json.dumps(fields)

    def form_url(self, web_url: str) -> str:
        """Return GitHub's own form with every field filled in, for a browser on another machine."""
        fields = {
            "name": self.name,
            "url": _ABOUT,
            "public": str(self.public).lower(),
            "webhook_active": "false",
            **self.permissions,
        }
        return f"{self.post_url(web_url)}?{urlencode(fields)}"

    def post_url(self, web_url: str) -> str:
        """Return the address that takes the manifest."""
        return f"{web_url}/organizations/{self.org}/settings/apps/new"


@dataclass(frozen=True, slots=True)
class CreatedApp:
    """An App that GitHub has just made; its key is shown this once."""

    app_id: str
    client_id: str
    slug: str
    page: str
    key: Secret = field(repr=False)


def web_url(api_url: str) -> str:
    """Return the website that belongs to a REST API: github.com, NAME.ghe.com, or a server's own host."""
    parts = urlsplit(api_url)
    host = parts.netloc
    if host == "api.github.com" or host.endswith(".ghe.com"):
        host = host.removeprefix("api.")
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/").removesuffix("/api/v3"), "", ""))


def parse_conversion(answer: Mapping[str, Any]) -> CreatedApp:
    """Return the App in GitHub's answer to a conversion. Raises ValueError if a field is missing."""
    number, key = answer.get("id"), answer.get("pem")
    texts = {name: answer.get(name) for name in ("client_id", "slug", "html_url")}
    if not isinstance(number, int) or not isinstance(key, str) or not key.startswith("-----BEGIN "):
        raise ValueError("the answer has no App ID or no key")
    if not all(isinstance(text, str) and text.isprintable() for text in texts.values()):
        raise ValueError("the answer has no client ID, slug or page")
    return CreatedApp(str(number), str(texts["client_id"]), str(texts["slug"]), str(texts["html_url"]), Secret(key))


def install_url(page: str, web: str) -> str:
    """Return where to install the App: its page's path on the website that the operator works with."""
    return f"{web}{urlsplit(page).path}/installations/new"


def differences(wanted: Mapping[str, str], has: Mapping[str, str]) -> list[str]:
    """Return the differences between an existing App's permissions and the role's, one phrase each, sorted."""
    found = []
    for name in sorted({*wanted, *has}):
        if name == "metadata":
            continue  # every App has it
        ours, theirs = wanted.get(name, "none"), has.get(name, "none")
        if ours != theirs:
            found.append(f"{name}: the role needs {ours}, the App has {theirs}")
    return found
