"""Check request bodies and queries against the schemas of a discovery document.

It checks which fields there are and of which type, with Google's own error sentences. The services check the
values. Fields that only the server sets are dropped, as Google does.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from fullsend_sandbox.google.discovery import Method
from fullsend_sandbox.google.enums import name_of
from fullsend_sandbox.google.errors import invalid_payload

MAX_DEPTH = 100
SNAKE = re.compile(r"_([a-z0-9])")
CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
PREFIX = re.compile(r"^Google[A-Za-z]+V\d")
DURATION = re.compile(r"-?\d{1,12}(\.\d{1,9})?s")
INTEGER = re.compile(r"-?\d{1,20}")

NUMBERED = "json;enum-encoding=int"
ENCODINGS = frozenset({NUMBERED, "json;enum-encoding=string"})
SYSTEM_PARAMETERS = {"$alt": "alt", "$fields": "fields", "$prettyPrint": "prettyPrint", "$key": "key"}
"""The other spelling of https://cloud.google.com/apis/docs/system-parameters."""

Violations = list[tuple[str, str]]


def camel(name: str) -> str:
    """Return a field's JSON name; Google's JSON takes the snake-case one as well."""
    return SNAKE.sub(lambda found: found[1].upper(), name)


def snake(name: str) -> str:
    """Return the name that Google's error sentences use."""
    return CAPITAL.sub("_", name).lower()


def read_body(method: Method, raw: bytes) -> dict[str, Any]:
    """Return a request's body with camel-case names and without output-only fields. Raises RefusedError."""
    if method.request is None:
        return {}
    try:
        value = json.loads(raw) if raw else {}
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is invalid
    except (ValueError, RecursionError) as problem:
        raise invalid_payload([("", "Invalid JSON payload received. Unexpected token.")]) from problem
    if not isinstance(value, dict):
        raise invalid_payload(
            [("", 'Invalid JSON payload received. Unknown name "": Root element must be a message.')]
        )
    bare = PREFIX.sub("", method.request)
    root = "" if bare.endswith("Request") else snake(bare)
    violations: Violations = []
    checked = _Reader(method.schemas, violations).read({"$ref": method.request}, value, root, 0)
    if violations:
        raise invalid_payload(violations)
    body: dict[str, Any] = checked
    return body


def read_query(method: Method, items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the query's parameters, the last of each. Raises RefusedError."""
    violations: Violations = []
    values: dict[str, str] = {}
    for given, sent in items:
        name = SYSTEM_PARAMETERS.get(given) or (given if given in method.query else camel(given))
        described = method.query.get(name)
        value = _query_value(described, sent)
        if name == "alt" and value in ENCODINGS:
            values[name] = value
        elif described is None:
            text = (
                f'Invalid JSON payload received. Unknown name "{given}": Cannot bind query parameter. '
                f"Field '{given}' could not be found in request message."
            )
            violations.append(("", text))
        elif problem := _query_problem(described, value):
            violations.append((snake(name), f"Invalid value at '{snake(name)}' ({problem}), \"{value}\""))
        else:
            values[name] = value
    if violations:
        raise invalid_payload(violations)
    return values


def wants_numbers(query: Mapping[str, str]) -> bool:
    """Return whether the caller asks for enums as numbers."""
    return query.get("alt") == NUMBERED


def _query_value(described: Mapping[str, Any] | None, sent: str) -> str:
    if described is not None and described["type"] == "boolean":
        return sent.lower()  # gcloud sends True
    if described is None or "enum" not in described or not INTEGER.fullmatch(sent):
        return sent
    return name_of(described["enum"], int(sent)) or sent


def _query_problem(described: Mapping[str, Any], value: str) -> str | None:
    if described["type"] == "boolean" and value not in {"true", "false"}:
        return "TYPE_BOOL"
    if described["type"] == "integer" and not (INTEGER.fullmatch(value) and -(2**31) <= int(value) < 2**31):
        return "TYPE_INT32"
    if "enum" in described and value not in described["enum"]:
        return "TYPE_ENUM"
    return None


class _Reader:
    def __init__(self, schemas: Mapping[str, Mapping[str, Any]], violations: Violations) -> None:
        self._schemas = schemas
        self._violations = violations

    def read(self, schema: Mapping[str, Any], value: Any, path: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            self._violations.append((path, "Message too deep. Max recursion depth reached."))
            return None
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"]]
        kind = schema.get("type", "any")
        if kind == "any":
            return value
        if kind == "object":
            return self._object(schema, value, path, depth)
        if kind == "array":
            return self._array(schema, value, path, depth)
        if "enum" in schema and isinstance(value, int) and not isinstance(value, bool):
            value = name_of(schema["enum"], value) or value
        problem = _scalar_problem(kind, schema, value)
        if problem:
            shown = "" if schema.get("format") == "byte" else f", {json.dumps(value)}"
            self._wrong(path, problem, shown)
        return value

    def _object(self, schema: Mapping[str, Any], value: Any, path: str, depth: int) -> Any:
        if not isinstance(value, dict):
            return self._wrong(
                path, f"type.googleapis.com/{schema.get('id', 'Map')}", f", {json.dumps(value)[:80]}"
            )
        if "additionalProperties" in schema:
            items = schema["additionalProperties"]
            return {key: self.read(items, one, f"{path}[{key}]", depth + 1) for key, one in value.items()}
        return self._message(schema.get("properties", {}), value, path, depth)

    def _message(self, fields: Mapping[str, Any], value: dict[str, Any], path: str, depth: int) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for given, one in value.items():
            name = given if given in fields else camel(given)
            if name not in fields:
                where = f" at '{path}'" if path else ""
                text = f'Invalid JSON payload received. Unknown name "{given}"{where}: Cannot find field.'
                self._violations.append((path, text))
                continue
            checked = None if one is None else self.read(fields[name], one, _join(path, name), depth + 1)
            # An etag is set by the server, but comes back to guard a write.
            if checked is not None and (name == "etag" or not fields[name].get("readOnly")):
                read[name] = checked
        return read

    def _array(self, schema: Mapping[str, Any], value: Any, path: str, depth: int) -> Any:
        if not isinstance(value, list):
            # Google reads a single value where a list is expected as a list of one; do not rely on it.
            return self._wrong(path, "TYPE_REPEATED", f", {json.dumps(value)[:80]}")
        items = schema["items"]
        return [self.read(items, one, f"{path}[{index}]", depth + 1) for index, one in enumerate(value)]

    def _wrong(self, path: str, kind: str, shown: str) -> None:
        self._violations.append((path, f"Invalid value at '{path}' ({kind}){shown}"))


def _join(path: str, name: str) -> str:
    return f"{path}.{snake(name)}" if path else snake(name)


def _scalar_problem(kind: str, schema: Mapping[str, Any], value: Any) -> str | None:
    if kind == "boolean":
        return None if isinstance(value, bool) else "TYPE_BOOL"
    if kind in {"integer", "number"}:
        whole = isinstance(value, int) or (isinstance(value, float) and (kind == "number" or value.is_integer()))
        return None if whole and not isinstance(value, bool) else f"TYPE_{schema.get('format', kind).upper()}"
    return _string_problem(schema, value)


def _string_problem(schema: Mapping[str, Any], value: Any) -> str | None:
    form = schema.get("format")
    if form in {"int64", "uint64"}:
        fits = isinstance(value, int | str) and not isinstance(value, bool) and INTEGER.fullmatch(str(value))
        return None if fits else f"TYPE_{form.upper()}"
    if "enum" in schema:
        return None if value in schema["enum"] else "TYPE_ENUM"
    if not isinstance(value, str):
        return "TYPE_STRING"
    if form == "google-duration" and not DURATION.fullmatch(value):
        return "type.googleapis.com/google.protobuf.Duration"
    return "TYPE_BYTES" if form == "byte" and not _is_base64(value) else None


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, altchars=None if "+" in value or "/" in value else b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def bytes_of(value: str) -> bytes:
    """Decode a `byte` field that was checked: base64 or its URL form."""
    return base64.b64decode(value.replace("-", "+").replace("_", "/"))
