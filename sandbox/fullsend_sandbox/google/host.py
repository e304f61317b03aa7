"""Serve one Google API on loopback: check every request in the same way, then call its handler.

The checks are in Google's order: path, credentials, quota project, API enabled, quota, body and query against the
discovery document, permission.
"""

import threading
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.discovery import Discovery, Matched
from fullsend_sandbox.google.enums import NumberedEnums
from fullsend_sandbox.google.errors import RefusedError, not_found
from fullsend_sandbox.google.kills import BudgetedFaults, WriteBudget
from fullsend_sandbox.google.payload import read_body, read_query, wants_numbers
from fullsend_sandbox.google.project import Project, project_of
from fullsend_sandbox.google.switches import Switches
from fullsend_sandbox.google_errors import google_json
from fullsend_sandbox.loopback import LoopbackService

ANY_PROJECT = "-"
"""`projects/-/serviceAccounts/…`: the account's address says which project."""


class ApiHost(LoopbackService):
    """`{api}.googleapis.com` for one project; `lock` is held while a handler works."""

    def __init__(
        self,
        api: str,
        versions: tuple[str, ...],
        endpoints: Endpoints,
        *,
        project: Project,
        switches: Switches,
        budget: WriteBudget,
        lock: threading.RLock,
        clock: Clock,
    ) -> None:
        super().__init__(f"google-{api}", self._ask, clock=clock)
        self.faults = BudgetedFaults(budget)
        self._api = api
        self._host = f"{api}.googleapis.com"
        self._discovery = Discovery(api, versions)
        self._endpoints = endpoints
        self._project = project
        self._switches = switches
        self._state = lock

    def _ask(self, request: Request) -> Response:
        try:
            matched, endpoint = self._route(request)
            self._switches.check_caller(request.headers, self._host)
            self._switches.check_enabled(self._host, self._discovery.title)
            self._switches.check_quota(matched.method.id, self._host)
            call = Call(
                method=matched.method,
                name=matched.name,
                variables=matched.variables,
                query=read_query(matched.method, request.args.items(multi=True)),
                body=read_body(matched.method, request.get_data()),
            )
            self._check_project(call, endpoint)
            with self._state:
                return google_json(_encoded(call, endpoint.handler(call)))
        except RefusedError as refused:
            return refused.response()

    def _route(self, request: Request) -> tuple[Matched, Endpoint]:
        matches = self._discovery.match(request.method, request.path)
        if not matches:
            raise not_found(f"Method not found: {request.method} {request.path}")
        for matched in matches:
            name = matched.method.id.removeprefix(f"{self._api}.")
            endpoint = self._endpoints.get(f"{matched.method.version}/{name}") or self._endpoints.get(name)
            if endpoint is not None:
                return matched, endpoint
        return matches[0], Endpoint(_unanswered, None)

    def _check_project(self, call: Call, endpoint: Endpoint) -> None:
        named = project_of(call.variables)
        wildcard = named == ANY_PROJECT and "serviceAccounts" in call.name
        if named is not None and not wildcard and not self._project.is_named(named):
            # Google does not say whether a project exists that the caller cannot see.
            raise RefusedError("PERMISSION_DENIED", f"The caller does not have permission on projects/{named}.")
        if endpoint.permission is not None:
            self._switches.require(endpoint.permission, self._host, call.name)


def _encoded(call: Call, answer: Mapping[str, Any]) -> Any:
    if not wants_numbers(call.query):
        return answer
    return NumberedEnums(call.method.schemas).encode(call.method.response, answer)


def _unanswered(call: Call) -> Mapping[str, Any]:
    raise RefusedError("UNIMPLEMENTED", f"The sandbox does not answer {call.method.id}.")
