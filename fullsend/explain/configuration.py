"""Read a mint's configuration from a file of environment variables, with the mint's own settings code.

It accepts ``KEY=VALUE`` lines, as Docker and systemd do, and the YAML (or JSON) mapping of gcloud's
``--env-vars-file``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from fullsend.explain.input_errors import UnusableInputError
from fullsend.explain.text_file import read_text
from fullsend.settings_problems import explained
from mintcore.settings.environment import ConfigurationError, Settings, read_hosted, read_standalone

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_FORMS = 'Write one KEY=VALUE a line, or a YAML mapping such as ALLOWED_ORGS: "my-org".'


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configured mint. ``provider`` is the shared identity provider, empty for a standalone mint.

    ``conditions`` are the providers' by id, ``None`` where they were not read. ``fallback_url`` is the mint
    that gets the requests for roles this one does not hold, empty without a fallback. ``place`` are the options
    that name a deployed mint to our own commands, empty for a file.
    """

    settings: Settings
    mode: str
    provider: str
    conditions: Mapping[str, str] | None = None
    fallback_url: str = ""
    place: str = ""


def read_configuration(path: Path) -> Configuration:
    """Return the configuration in the file ``path``. Raises UnusableInputError."""
    return configured(parse_environment(read_text(path), str(path)), str(path))


def configured(
    environment: Mapping[str, str],
    source: str,
    conditions: Mapping[str, str] | None = None,
    place: str = "",
) -> Configuration:
    """Return the mint that ``environment`` would start: standalone if ``PEM_DIR`` is set, hosted otherwise.

    ``source`` is its name in messages; ``place`` holds the command line options that name it. Raises
    UnusableInputError with every reason why it would not start.
    """
    try:
        if environment.get("PEM_DIR", "").strip():
            standalone = read_standalone(environment)
            return Configuration(standalone.common, "standalone", "", fallback_url=standalone.fallback_url)
        hosted = read_hosted(environment)
    except ConfigurationError as error:
        problems, remedy = explained(error.problems)
        if any(problem.startswith("GCP_PROJECT_NUMBER is not set") for problem in error.problems):
            remedy = f"A hosted mint has GCP_PROJECT_NUMBER, a standalone one has PEM_DIR.\n{remedy}"
        raise UnusableInputError(f"a mint would not start with {source}:\n  {problems}", remedy) from None
    return Configuration(hosted.common, "hosted", hosted.provider, conditions, place=place)


def parse_environment(text: str, name: str) -> dict[str, str]:
    """Return the variables in ``text``. Raises UnusableInputError, which never quotes the text."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    content = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not content:
        raise UnusableInputError(f"{name} sets no variable.", _FORMS)
    if _LINE.fullmatch(content[0][1]):
        return _lines(content, name)
    return _mapping(text, name)


def _lines(content: list[tuple[int, str]], name: str) -> dict[str, str]:
    variables: dict[str, str] = {}
    for number, line in content:
        match = _LINE.fullmatch(line)
        if not match:
            raise UnusableInputError(f"{name}, line {number}: not KEY=VALUE.", _FORMS)
        variables[match[1]] = _unquoted(match[2])
    return variables


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _mapping(text: str, name: str) -> dict[str, str]:
    try:
        fields = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise UnusableInputError(f"{name}{where}: neither KEY=VALUE lines nor YAML.", _FORMS) from None
    if not isinstance(fields, dict):
        raise UnusableInputError(f"{name} holds neither KEY=VALUE lines nor a YAML mapping.", _FORMS)
    return {str(variable): _text(variable, value, name) for variable, value in fields.items()}


def _text(variable: object, value: Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise UnusableInputError(
        f"{name}: {str(variable)[:80]} is not text.", "Put the value in quotes; environment variables are text."
    )
