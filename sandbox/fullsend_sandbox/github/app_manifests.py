"""Emulate GitHub's web pages that create an App from a manifest and install it, and the call that returns its key.

GitHub: "Registering a GitHub App from a manifest" (three steps within one hour), REST "Create a GitHub App from a
manifest". The browser is signed in as an owner of every account: signing in is not part of the flow.
"""

import html
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.answers import answer, not_found
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.state import App
from fullsend_sandbox.keys import pem
from fullsend_sandbox.routes import Route

CODE_SECONDS = 3600
MAX_NAME = 34
PAGE = "/apps/apps#create-a-github-app-from-a-manifest"


@dataclass
class _Draft:
    """A manifest that a browser posted, until its owner confirms it."""

    account: str
    state: str
    manifest: dict[str, Any]


@dataclass
class _Conversion:
    """A code that is good once, for an hour."""

    app: App
    manifest: dict[str, Any]
    made_at: float
    key: bytes = field(repr=False)


class AppManifests:
    """The manifest page, its confirmation, the conversion of a code, and the install page."""

    def __init__(self, parts: Parts, make_key: Callable[[], rsa.RSAPrivateKey]) -> None:
        self._world = parts.world
        self._apps = parts.apps
        self._views = parts.views
        self._clock = parts.clock
        self._make_key = make_key
        self._drafts: dict[str, _Draft] = {}
        self._conversions: dict[str, _Conversion] = {}

    def api_routes(self) -> list[Route]:
        """Return the routes of the REST API."""
        return [("POST", "/app-manifests/<code>/conversions", self._convert)]

    def web_routes(self) -> list[Route]:
        """Return the routes of the website; they have no `/api/v3` in front."""
        return [
            ("POST", "/organizations/<login>/settings/apps/new", self._draft),
            ("POST", "/settings/apps/manifest/<draft>", self._create),
            ("GET", "/apps/<slug>/installations/new", self._install_page),
            ("POST", "/apps/<slug>/installations", self._install),
        ]

    def _draft(self, request: Request, login: str) -> Response:
        account = self._world.account(login)
        if account is None or account.type != "Organization":
            return _page("Page not found", "<p>There is no such organization.</p>", status=404)
        problem, manifest = _read_manifest(request.form.get("manifest", ""))
        if problem:
            return _page("The manifest is invalid", f"<p>{html.escape(problem)}</p>", status=422)
        number = secrets.token_urlsafe(12)
        self._drafts[number] = _Draft(account.login, request.args.get("state", ""), manifest)
        name = html.escape(str(manifest["name"]), quote=True)
        return _page(
            f"Create GitHub App for {account.login}",
            f'<form method="post" action="/settings/apps/manifest/{number}">'
            f'<label>GitHub App name <input name="app[name]" value="{name}"></label>'
            f'<button id="create" type="submit">Create GitHub App for {html.escape(account.login)}</button></form>',
        )

    def _create(self, request: Request, draft: str) -> Response:
        found = self._drafts.get(draft)
        if found is None:
            return _page("Page not found", "<p>The manifest was used already.</p>", status=404)
        name = request.form.get("app[name]", str(found.manifest["name"])).strip()
        key = self._make_key()
        try:
            slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
            app = self._apps.add(slug, found.manifest.get("default_permissions", {}), found.account, key)
        except ValueError:
            return _page("Create GitHub App", "<p>Name is already taken.</p>", status=422)
        del self._drafts[draft]
        code = secrets.token_hex(20)
        self._conversions[code] = _Conversion(app, found.manifest, self._clock(), pem(key))
        back = urlsplit(str(found.manifest["redirect_url"]))
        query = urlencode([*parse_qsl(back.query), ("code", code), ("state", found.state)])
        return Response(status=302, headers={"Location": urlunsplit(back._replace(query=query))})

    def _convert(self, _request: Request, code: str) -> Response:
        found = self._conversions.pop(code, None)
        if found is None or self._clock() - found.made_at > CODE_SECONDS:
            raise not_found(PAGE)
        fields = self._views.app(found.app, 0) | {
            "name": found.manifest["name"],
            "client_secret": secrets.token_hex(20),
            "webhook_secret": None,
            "pem": found.key.decode(),
        }
        return answer(fields, 201)

    def _install_page(self, _request: Request, slug: str) -> Response:
        app = self._apps.by_slug(slug)
        if app is None:
            return _page("Page not found", "<p>There is no such App.</p>", status=404)
        return _page(
            f"Install {app.slug}",
            f'<form method="post" action="/apps/{app.slug}/installations">'
            f'<button id="install" type="submit">Install on {html.escape(app.owner)}</button></form>',
        )

    def _install(self, _request: Request, slug: str) -> Response:
        app = self._apps.by_slug(slug)
        if app is None:
            return _page("Page not found", "<p>There is no such App.</p>", status=404)
        try:
            self._apps.install(app, app.owner, "all", None)
        except ValueError as problem:
            return _page("Install", f"<p>{html.escape(str(problem))}</p>", status=422)
        return _page(f"{app.slug} is installed", "<p>All repositories.</p>")


def _read_manifest(text: str) -> tuple[str, dict[str, Any]]:
    """Return what is wrong with a manifest, empty if nothing is, and its fields."""
    try:
        manifest = json.loads(text)
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        return "The manifest is not a JSON object.", {}
    name, hook = manifest.get("name"), manifest.get("hook_attributes")
    problem = ""
    if not (isinstance(name, str) and 0 < len(name) <= MAX_NAME):
        problem = f"Name is required and has at most {MAX_NAME} characters."
    elif not _is_url(manifest.get("url")):
        problem = "URL is required."
    elif not _is_url(manifest.get("redirect_url")):
        problem = "Redirect URL must be a URL."
    elif hook is not None and not (isinstance(hook, dict) and hook.get("url")):
        problem = "Hook url cannot be blank."
    return problem, manifest


def _is_url(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def _page(title: str, body: str, status: int = 200) -> Response:
    text = f"<!doctype html><title>{html.escape(title)}</title><h1>{html.escape(title)}</h1>{body}"
    return Response(text, status=status, content_type="text/html; charset=utf-8")
