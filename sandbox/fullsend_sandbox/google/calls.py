"""`Call` is one call to an API, as its handler sees it; `Endpoint` is the handler of an API method."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fullsend_sandbox.google.discovery import Method
from fullsend_sandbox.google.masks import apply_mask, mask_paths


@dataclass(frozen=True)
class Call:
    """A call that is authenticated, allowed and well formed."""

    method: Method
    name: str
    """The resource that the path names, such as `projects/p/secrets/s`."""
    variables: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any] = field(repr=False)
    """Camel-case names, no output-only fields. May hold a key."""

    def last(self) -> str:
        """Return the id of the resource: the last segment of its name."""
        return self.name.rpartition("/")[2]

    def patched(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the stored resource as `updateMask` and body change it; no mask: what the body holds."""
        mask = self.query.get("updateMask")
        paths: list[tuple[str, ...]] = [(name,) for name in self.body]
        return apply_mask(stored, self.body, mask_paths(self.method, mask) if mask else paths)


Handler = Callable[[Call], Mapping[str, Any]]


@dataclass(frozen=True)
class Endpoint:
    """The handler of a method, and the IAM permission that it requires, if any."""

    handler: Handler
    permission: str | None


Endpoints = Mapping[str, Endpoint]
"""By method, without the API's name: `projects.secrets.create`; `v1/…` is only for that version."""
