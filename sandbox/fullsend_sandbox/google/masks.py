"""Apply update masks, which name the fields that a PATCH replaces (AIP-134).

A field that the mask names and the body lacks is cleared. A mask path ends at a list or map; it cannot
reach into one.
"""

import copy
from collections.abc import Mapping
from typing import Any

from fullsend_sandbox.google.discovery import Method
from fullsend_sandbox.google.errors import invalid
from fullsend_sandbox.google.payload import camel


def mask_paths(method: Method, mask: str) -> list[tuple[str, ...]]:
    """Read an `updateMask`. Raises RefusedError for a path that the resource does not have."""
    paths = [tuple(camel(part) for part in path.strip().split(".")) for path in mask.split(",")]
    for path in paths:
        if path != ("*",) and not _exists(method, path):
            raise invalid(f"The update mask has an invalid path: '{'.'.join(path)}'.")
    return paths


def apply_mask(stored: Mapping[str, Any], body: Mapping[str, Any], paths: list[tuple[str, ...]]) -> dict[str, Any]:
    """Return the resource with the fields that the paths name taken from the body."""
    result = copy.deepcopy(dict(stored))
    for path in paths:
        if path == ("*",):
            result = copy.deepcopy(dict(body))
        else:
            _replace(result, body, path)
    return result


def _replace(target: dict[str, Any], source: Mapping[str, Any], path: tuple[str, ...]) -> None:
    *parents, last = path
    for parent in parents:
        target = target.setdefault(parent, {})
        source = source.get(parent, {})
    if last in source:
        target[last] = copy.deepcopy(source[last])
    else:
        target.pop(last, None)


def _exists(method: Method, path: tuple[str, ...]) -> bool:
    schema: Mapping[str, Any] = {"$ref": method.request}
    for part in path:
        if "$ref" in schema:
            schema = method.schemas[schema["$ref"]]
        if part not in schema.get("properties", {}):
            return False
        schema = schema["properties"][part]
    return True
