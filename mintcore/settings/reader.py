"""Reading variables one by one while collecting what is wrong with them, and never their values if secret."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from mintcore.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")


class ConfigurationError(Exception):
    """The environment cannot be used; ``problems`` are sentences, each naming the variable and an example."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Reader:
    """Reads an environment; a blank value counts as unset."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[str] = []
        self._warnings: list[str] = []

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the operator should know although the mint starts."""
        return tuple(self._warnings)

    def warn(self, sentence: str) -> None:
        """Note something that does not stop the start."""
        self._warnings.append(sentence)

    def warn_if_set(self, variable: str, sentence: str) -> None:
        """Note ``sentence`` about a variable that the mint no longer reads, if it is set."""
        if self._environment.get(variable, "").strip():
            self.warn(f"{variable} {sentence}")

    def problem(self, variable: str, what: str, example: str) -> None:
        """Note something that does, on one line whatever the value quoted in it holds."""
        line = f"{variable} {what}; for example {variable}={example}"
        self._problems.append("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line))

    def finish(self) -> None:
        """Raise ConfigurationError if there was any problem."""
        if self._problems:
            raise ConfigurationError(self._problems)

    def text(self, variable: str, default: str) -> str:
        """Return the value, or ``default`` if it is not set."""
        return self._environment.get(variable, "").strip() or default

    def required(self, variable: str, example: str) -> str:
        """Return the value; that there is none is a problem."""
        value = self.text(variable, "")
        if not value:
            self.problem(variable, "is not set", example)
        return value

    def matching(self, variable: str, pattern: str, rule: str, example: str) -> str:
        """Return a required value that ``pattern`` fits whole; ``rule`` says in words what that means."""
        value = self.required(variable, example)
        if value and not re.fullmatch(pattern, value):
            self.problem(variable, rule, example)
        return value

    def integer(self, variable: str, default: int, least: int, most: int) -> int:
        """Return a whole number between ``least`` and ``most``."""
        value = self.text(variable, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
            self.problem(variable, f"is not a whole number from {least} to {most}", str(default))
            return default
        return int(value)

    def switch(self, variable: str) -> bool:
        """Return whether something is on: ``1``, and not ``0`` or unset."""
        value = self.text(variable, "0")
        if value not in {"0", "1"}:
            self.problem(variable, "is neither 1 nor 0", "1")
        return value == "1"

    def items(self, variable: str) -> list[str]:
        """Return the comma-separated items, blanks and empty ones left out."""
        return [item.strip() for item in self.text(variable, "").split(",") if item.strip()]

    def parsed(self, variable: str, items: Iterable[str], parse: Callable[[str], T], example: str) -> list[T]:
        """Return every item as ``parse`` has it; what it raises ValueError for is a problem each."""
        results: list[T] = []
        for item in items:
            try:
                results.append(parse(item))
            except ValueError as error:
                self.problem(variable, f"has {item[:100]!r}: {error}", example)
        return results

    def json_object(self, variable: str, example: str) -> dict[str, Any]:
        """Return a JSON object, empty if the variable is not set; a key given twice is a problem."""
        value = self.text(variable, "")
        if not value:
            return {}
        try:
            parsed = json.loads(value, object_pairs_hook=_without_repeats)
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, _RepeatedKey) else "is not valid JSON"
            self.problem(variable, reason, example)
            return {}
        if not isinstance(parsed, dict):
            self.problem(variable, "is not a JSON object", example)
            return {}
        return parsed

    def url(self, variable: str, default: str) -> str:
        """Return a service's base URL without a trailing slash: ``https``, or ``http`` to a loopback address."""
        value = self.text(variable, default)
        if value and not _is_service_url(value):
            self.problem(
                variable,
                "has to be an https URL without user, query or fragment (http only to a loopback address)",
                default or "https://mint.example.com",
            )
            return default
        return value.rstrip("/")

    def proxy(self, variable: str) -> Secret | None:
        """Return a proxy's URL, ``http://[user:password@]host:port``, a secret because of the password."""
        value = self.text(variable, "")
        if not value:
            return None
        try:
            parts = urlsplit(value)
            known = parts.scheme == "http" and bool(parts.hostname) and parts.port is not None
        except ValueError:
            known = False
        if not known or parts.path.strip("/") or parts.query or parts.fragment:
            self.problem(variable, "is no http://host:port of a proxy", "http://proxy.example.com:3128")
        return Secret(value)


class _RepeatedKey(ValueError):
    pass


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _RepeatedKey("names a key twice")
    return fields


def _is_service_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
        # As the resolver will: it refuses an empty label, and one of more than 63 characters.
        (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    # Looked for in the text: an empty query, fragment or user is none to urlsplit and still sent.
    plain = (
        text.isascii() and text.isprintable() and "@" not in parts.netloc and not any(c in text for c in "?# \\")
    )
    if not parts.hostname or not plain:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
