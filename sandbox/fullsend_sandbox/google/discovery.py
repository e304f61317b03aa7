"""Read Google's discovery documents: the methods of an API, their paths and parameters.

The documents are those that google-api-python-client carries, so a call that they do not describe fails
here as it would there. What a method does is decided elsewhere.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient.discovery_cache

VARIABLE = re.compile(r"\\\{(\w+)\\\}")
VERSION_AND_VERB = re.compile(r"^(?:apis/serving\.knative\.dev/)?v\d+/|:\w+$")


@dataclass(frozen=True)
class Method:
    """One method of an API."""

    id: str
    """For example `run.projects.locations.services.patch`."""
    version: str
    http_method: str
    path: re.Pattern[str]
    query: Mapping[str, Mapping[str, Any]] = field(repr=False)
    request: str | None
    """The name of the request body's schema."""
    response: Mapping[str, Any] = field(repr=False)
    """The schema of the answer."""
    schemas: Mapping[str, Mapping[str, Any]] = field(repr=False)

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        last = self.id.rpartition(".")[2]
        return self.http_method != "GET" and last not in {"getIamPolicy", "testIamPermissions", "wait"}


@dataclass(frozen=True)
class Matched:
    """A method, with the variables of a path."""

    method: Method
    variables: Mapping[str, str]
    name: str
    """The resource, such as `projects/p/secrets/s`."""


class Discovery:
    """The methods of some versions of one API."""

    def __init__(self, api: str, versions: tuple[str, ...]) -> None:
        self.methods: dict[str, list[Method]] = {}
        self.title = ""
        for version in versions:
            self.title, methods = _described(api, version)
            for method in methods:
                self.methods.setdefault(method.http_method, []).append(method)

    def match(self, http_method: str, path: str) -> list[Matched]:
        """Return what a request line may mean; two methods can share a path."""
        bare = path.removeprefix("/")
        found = [(method, method.path.fullmatch(bare)) for method in self.methods.get(http_method, ())]
        name = VERSION_AND_VERB.sub("", bare)
        return [Matched(method, match.groupdict(), name) for method, match in found if match]


@cache  # the documents are part of a package; their paths take longer to compile than a control plane to start
def _described(api: str, version: str) -> tuple[str, tuple[Method, ...]]:
    folder = Path(googleapiclient.discovery_cache.__file__).parent / "documents"
    document: dict[str, Any] = json.loads((folder / f"{api}.{version}.json").read_bytes())
    return document["title"], tuple(_methods(document, document))


def _methods(document: Mapping[str, Any], part: Mapping[str, Any]) -> Iterator[Method]:
    for described in part.get("methods", {}).values():
        own = {k: v for k, v in described.get("parameters", {}).items() if v["location"] == "query"}
        yield Method(
            id=described["id"],
            version=document["version"],
            http_method=described["httpMethod"],
            path=_pattern(described.get("flatPath", described["path"])),
            query=own | document["parameters"],
            request=described.get("request", {}).get("$ref"),
            response=described.get("response", {}),
            schemas=document["schemas"],
        )
    for resource in part.get("resources", {}).values():
        yield from _methods(document, resource)


def _pattern(flat_path: str) -> re.Pattern[str]:
    return re.compile(VARIABLE.sub(r"(?P<\1>[^/:]+)", re.escape(flat_path)))
