"""Read variables one by one and collect every problem. Values that may be secret are never shown."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from mintcore.secret import Secret
from mintcore.settings.service_url import is_service_url
from mintcore.settings.variables import VARIABLES, misspelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")


class ConfigurationError(Exception):
    """The environment cannot be used; each of ``problems`` names the variable and an example."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Reader:
    """Reads an environment; a blank value counts as unset.

    Every variable is one of :data:`~mintcore.settings.variables.VARIABLES`, which has its default and example.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[str] = []
        self._warnings: list[str] = []

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the operator about settings with which the mint still starts."""
        return tuple(self._warnings)

    def warn(self, sentence: str) -> None:
        """Note a warning; the mint still starts."""
        self._warnings.append(sentence)

    def warn_if_set(self, variable: str, sentence: str) -> None:
        """Note ``sentence`` about a variable that the mint no longer reads, if it is set."""
        if self._environment.get(variable, "").strip():
            self.warn(f"{variable} {sentence}")

    def warn_of_misspelled_names(self) -> None:
        """Warn of each variable whose name is one letter away from one of the mint's."""
        for name, intended in misspelled(self._environment):
            self.warn(f"{name} is not a variable of this mint and is ignored; did you mean {intended}?")

    def problem(self, variable: str, what: str, example: str = "") -> None:
        """Note a problem that stops the start, on one line even if the quoted value has line breaks."""
        line = f"{variable} {what}; for example {variable}={example or VARIABLES[variable].shown}"
        self._problems.append("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line))

    def has_problem(self, variable: str) -> bool:
        """Return whether a problem of the variable was noted."""
        return any(line.startswith(f"{variable} ") for line in self._problems)

    def finish(self) -> None:
        """Raise ConfigurationError if there was any problem."""
        if self._problems:
            raise ConfigurationError(self._problems)

    def is_set(self, variable: str) -> bool:
        """Return whether the variable has a value."""
        return bool(self._environment.get(VARIABLES[variable].name, "").strip())

    def text(self, variable: str) -> str:
        """Return the value, or the default if it is not set."""
        row = VARIABLES[variable]
        return self._environment.get(row.name, "").strip() or row.default

    def required(self, variable: str) -> str:
        """Return the value; a missing one is a problem."""
        value = self.text(variable)
        if not value:
            self.problem(variable, "is not set")
        return value

    def matching(self, variable: str, pattern: str, rule: str) -> str:
        """Return a required value that matches ``pattern``; ``rule`` describes the pattern in words."""
        value = self.required(variable)
        if value and not re.fullmatch(pattern, value):
            self.problem(variable, rule)
        return value

    def integer(self, variable: str) -> int:
        """Return a whole number within the variable's bounds; 0 if it is not set and has no default."""
        row, value = VARIABLES[variable], self.text(variable)
        if not value:
            return 0
        minimum, maximum = row.bounds
        if not re.fullmatch(r"[0-9]{1,9}", value) or not minimum <= int(value) <= maximum:
            self.problem(variable, f"is not a whole number from {minimum} to {maximum}")
            return int(row.default or minimum)
        return int(value)

    def switch(self, variable: str) -> bool:
        """Return whether the switch is on: ``1``, and not ``0`` or unset."""
        value = self.text(variable)
        if value not in {"0", "1"}:
            self.problem(variable, "is neither 1 nor 0", "1")
        return value == "1"

    def items(self, variable: str) -> list[str]:
        """Return the comma-separated items without blanks; a list of commas only is a problem."""
        items = [item.strip() for item in self.text(variable).split(",") if item.strip()]
        if not items and self.is_set(variable):
            # A template with empty values makes a list of commas; whether it means no item or every item is
            # unknown.
            self.problem(variable, "has only commas; name at least one item, or unset it")
        return items

    def parsed(self, variable: str, items: Iterable[str], parse: Callable[[str], T]) -> list[T]:
        """Return each item as ``parse`` returns it; each ValueError is a problem."""
        results: list[T] = []
        for item in items:
            try:
                results.append(parse(item))
            except ValueError as error:
                self.problem(variable, f"has {item[:100]!r}: {error}")
        return results

    def json_object(self, variable: str) -> dict[str, Any]:
        """Return a JSON object, empty if the variable is not set.

        An empty object in the variable and a key that occurs twice are problems.
        """
        parsed = self._json(variable)
        if parsed is None:
            return {}
        if not isinstance(parsed, dict):
            self.problem(variable, "is not a JSON object")
            return {}
        if not parsed:
            self.problem(variable, "is an empty JSON object; name at least one key")
        return parsed

    def json_list(self, variable: str) -> list[Any]:
        """Return a JSON list, empty if the variable is not set; an empty list in the variable is a problem."""
        parsed = self._json(variable)
        if parsed is None:
            return []
        if not isinstance(parsed, list):
            self.problem(variable, "is not a JSON list")
            return []
        if not parsed:
            self.problem(variable, "is an empty JSON list; unset it, or name at least one entry")
        return parsed

    def _json(self, variable: str) -> Any:
        """Return the variable's JSON value, ``None`` if it is not set or invalid."""
        value = self.text(variable)
        if not value:
            return None
        try:
            parsed = json.loads(value, object_pairs_hook=_without_repeats)
        except (ValueError, RecursionError) as error:
            self.problem(variable, str(error) if isinstance(error, _RepeatedKey) else "is not valid JSON")
            return None
        return "null" if parsed is None else parsed

    def url(self, variable: str) -> str:
        """Return a service's base URL without a trailing slash: ``https``, or ``http`` to a loopback address."""
        value = self.text(variable)
        if value and not is_service_url(value):
            self.problem(
                variable,
                "must be an https URL without user, query or fragment (http only to a loopback address)",
            )
            return VARIABLES[variable].default
        return value.rstrip("/")

    def address(self, variable: str) -> str:
        """Return an IP address, empty if the variable is not set."""
        value = self.text(variable)
        try:
            return str(ipaddress.ip_address(value)) if value else ""
        except ValueError:
            self.problem(variable, "must be an IP address")
            return ""

    def proxy(self, variable: str) -> Secret | None:
        """Return a proxy's URL, ``http://[user:password@]host:port``, as a secret because of the password."""
        value = self.text(variable)
        if not value:
            return None
        try:
            parts = urlsplit(value)
            known = parts.scheme == "http" and bool(parts.hostname) and parts.port is not None
        except ValueError:
            known = False
        if not known or parts.path.strip("/") or parts.query or parts.fragment:
            self.problem(variable, "must be a proxy URL, http://host:port")
        return Secret(value)


class _RepeatedKey(ValueError):
    pass


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _RepeatedKey("names a key twice")
    return fields
