"""Send a row's request and read the raw answer, without a client library that could hide details."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import urllib3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.contract.table import Sent


@dataclass(frozen=True)
class Got:
    """An answer; ``json`` is its body parsed."""

    status: int
    headers: Mapping[str, str]
    text: str = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def send(url: str, sent: Sent) -> Got:
    """Send once, without following redirects and without retries."""
    headers = dict(sent.headers)
    if sent.token is not None:
        headers["Authorization"] = f"Bearer {sent.token}"
    body = sent.body if isinstance(sent.body, bytes) else json.dumps(sent.body).encode()
    if body:
        headers["Content-Type"] = "application/json"
    with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(30)) as http:
        answer = http.request(sent.method, url + sent.path, body=body or None, headers=headers, redirect=False)
        return Got(answer.status, answer.headers, answer.data.decode())
