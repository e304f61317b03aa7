"""Read the App's credentials from the environment, and report every problem together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fullsend.failure import BadInput
from fullsend.github.api import GitHubApi, job_api_url
from fullsend.github.app_key import load_app_key
from fullsend.input_file import read_input_file
from mintcore.keys.pem import describe_problem, normalize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

APP_ID = "GITHUB_APP_ID"
INSTALLATION_ID = "GITHUB_APP_INSTALLATION_ID"
INLINE = "GITHUB_APP_PRIVATE_KEY_PEM"
PATH = "GITHUB_APP_PRIVATE_KEY_PATH"
_APP = re.compile(r"[A-Za-z0-9.]{1,64}\Z")
_MAX_FILE = 64 * 1024
_NUMBER = re.compile(r"[0-9]{1,20}\Z")


class SettingsError(Exception):
    """The problems of the environment, one sentence each, never with key material."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """The App that signs, its installation, and the GitHub."""

    app_id: str
    """The App ID or its client ID; GitHub takes both as `iss`."""
    installation_id: str
    key: RSAPrivateKey = field(repr=False)
    api_url: str


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings. Raises `SettingsError` with every problem."""
    problems: list[str] = []
    app_id = _matching(environ, APP_ID, _APP, "the App's ID, for example 123456", problems)
    installation = _matching(environ, INSTALLATION_ID, _NUMBER, "the installation's number", problems)
    api_url = ""
    try:
        api_url = GitHubApi(job_api_url(environ)).api_url
    except BadInput as error:
        problems.append(error.message.rstrip("."))
    try:
        key = _key(environ)
    except ValueError as error:
        problems.append(str(error))
    if problems:
        raise SettingsError(problems)
    return Settings(app_id, installation, key, api_url)


def _matching(
    environ: Mapping[str, str], name: str, pattern: re.Pattern[str], meaning: str, problems: list[str]
) -> str:
    value = environ.get(name, "").strip()
    if not value:
        problems.append(f"{name} is not set; it is {meaning}")
    elif not pattern.match(value):
        problems.append(f"{name} does not look like {meaning}")
    return value


def _key(environ: Mapping[str, str]) -> RSAPrivateKey:
    inline, path = environ.get(INLINE, "").strip(), environ.get(PATH, "").strip()
    if bool(inline) == bool(path):
        state = "both set; set one of them" if inline else "not set; set one of them, the key itself or its file"
        raise ValueError(f"{INLINE} and {PATH} are {state}")
    name = INLINE if inline else PATH
    try:
        # A secret store or a shell often keeps the line breaks of a PEM as the two characters \n.
        pem = normalize(inline.encode() if inline else read_input_file(Path(path), _MAX_FILE))
    except OSError as error:
        raise ValueError(f"{PATH}: the file cannot be read: {error.strerror}") from error
    problem = describe_problem(pem)
    if problem:
        raise ValueError(f"{name}: the key {problem}")
    try:
        return load_app_key(pem)
    except TypeError:
        raise ValueError(f"{name} is not an RSA key; GitHub Apps have RSA keys") from None
    except ValueError:
        raise ValueError(f"{name} is not a PEM private key without a password") from None
