"""Check request bodies: JSON objects and the types of their fields, with GitHub's refusals.

GitHub REST: "Troubleshooting the REST API", client errors: 400 for a body that is not a JSON object, 422
for a field of the wrong type. Checks types only; the handlers check values.
"""

import json
from typing import Any, NoReturn

from werkzeug.wrappers import Request

from fullsend_sandbox.github.answers import RefusedError


def json_object(request: Request) -> dict[str, Any]:
    """Read the body; an empty one is an empty object."""
    raw = request.get_data()
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise RefusedError(400, "Problems parsing JSON") from problem
    if not isinstance(body, dict):
        raise RefusedError(400, "Body should be a JSON object")
    return body


def _no_constant(name: str) -> NoReturn:
    """Reject NaN and Infinity: Python's parser accepts them, JSON does not have them."""
    raise ValueError(name)


def invalid(detail: str, page: str = "") -> RefusedError:
    """Return the error for a field of the wrong type, worded like GitHub's schema check."""
    return RefusedError(422, f"Invalid request.\n\n{detail}", page)


def required_text(body: dict[str, Any], name: str) -> str:
    """Read a field that must be a string."""
    if name not in body:
        raise invalid(f'"{name}" wasn\'t supplied.')
    value = body[name]
    if not isinstance(value, str):
        raise invalid(f"For 'properties/{name}', {_shown(value)} is not a string.")
    return value


def texts(body: dict[str, Any], name: str) -> list[str]:
    """Read an optional array of strings."""
    values = _array(body, name)
    for value in values:
        if not isinstance(value, str):
            raise invalid(f"For 'properties/{name}/items', {_shown(value)} is not a string.")
    return values


def integers(body: dict[str, Any], name: str) -> list[int]:
    """Read an optional array of integers; booleans are rejected."""
    values = _array(body, name)
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(f"For 'properties/{name}/items', {_shown(value)} is not an integer.")
    return values


def mapping(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Read an optional object."""
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise invalid(f"For 'properties/{name}', {_shown(value)} is not an object.")
    return value


def _array(body: dict[str, Any], name: str) -> list[Any]:
    value = body.get(name, [])
    if not isinstance(value, list):
        raise invalid(f"For 'properties/{name}', {_shown(value)} is not an array.")
    return value


def _shown(value: object) -> str:
    return "nil" if value is None else json.dumps(value)[:100]
