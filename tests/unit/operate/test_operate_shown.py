"""Plans as they are shown: no secret in a title or a command, and commands that do what the plan does."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullsend.operate.model.edits import Edit
from fullsend.operate.model.names import MintLocation
from fullsend.operate.plan.bundle import Bundle
from fullsend.operate.plan.steps.function_steps import DeployFunction
from fullsend.operate.plan.steps.rendering import masked, set_env_vars
from fullsend.operate.plan.steps.service_steps import EditEnvironment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.plan.steps.step import Step

PLACE = MintLocation("my-project")
SECRETS = {
    "RATE_LIMIT_STORAGE": "redis://:hunter2@10.0.0.3:6379/0",
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=hunter2,x-team=hunter2",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "api-key=hunter2==",
    "HTTPS_PROXY": "http://proxy:hunter2@proxy.internal:3128",
    "HTTP_PROXY": "proxy:hunter2@proxy.internal:3128",
}
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True).filter(lambda name: not name.endswith("_HEADERS"))
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n@"), max_size=20)


def both(variables: Mapping[str, str]) -> list[Step]:
    edit = Edit(set_variables=tuple(variables.items()))
    return [
        EditEnvironment(edit, variables, whole=variables),
        DeployFunction("a" * 64, edit, Bundle(b"", "a" * 64, "1")),
    ]


def taken_by_gcloud(option: str, shell: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables gcloud would set, after a shell and the rules of `gcloud topic escaping`."""
    script = f"printf %s {option.removeprefix('--set-env-vars ')}"
    done = subprocess.run(["/bin/sh", "-c", script], env=dict(shell or {}), capture_output=True, check=True)
    _, delimiter, pairs = done.stdout.decode().split("^", 2)
    return dict(pair.split("=", 1) for pair in pairs.split(delimiter))


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_in_a_variable_is_in_no_title_and_no_command(name: str) -> None:
    for step in both({name: SECRETS[name], "RATE_LIMIT": "60/minute"}):
        lines = step.gcloud(PLACE)
        shown = "\n".join([step.title(), *lines])
        assert "hunter2" not in shown
        assert "RATE_LIMIT=60/minute" in shown
        assert lines[0].startswith("# set in this shell before")
        assert lines[0].endswith(f": {name}")


def test_a_title_still_says_where_the_storage_and_the_proxy_are() -> None:
    title = both(SECRETS)[0].title()
    assert "RATE_LIMIT_STORAGE=redis://***@10.0.0.3:6379/0" in title
    assert "HTTPS_PROXY=http://***@proxy.internal:3128" in title
    assert "OTEL_EXPORTER_OTLP_HEADERS=api-key=***,x-team=***" in title


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("redis://:p/w@x@host/0", "redis://***@host/0"),
        ("redis://host/0?password=hunter2&db=1", "redis://host/0?password=***&db=***"),
        ("https://host/path", "https://host/path"),
        ("a@b.example", "a@b.example"),
        ("", ""),
    ],
)
def test_of_an_address_user_and_query_are_masked_and_nothing_else(value: str, shown: str) -> None:
    assert masked("RATE_LIMIT_STORAGE", value) == shown


def test_an_emitted_command_takes_a_secret_from_the_shell_and_stops_without_it() -> None:
    variables = SECRETS | {"RATE_LIMIT": "60/minute"}
    option = set_env_vars(variables)
    assert taken_by_gcloud(option, SECRETS) == variables
    with pytest.raises(subprocess.CalledProcessError):
        taken_by_gcloud(option)


def test_a_value_with_every_common_delimiter_in_it_is_set_as_it_is() -> None:
    variables = {"A": "x|y#~;%", "B": "--0--", "C": "it's"}
    assert taken_by_gcloud(set_env_vars(variables)) == variables


@settings(max_examples=20)  # each starts a shell
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_what_gcloud_would_set_is_what_the_plan_sets(variables: dict[str, str]) -> None:
    shell = {name: value for name, value in variables.items() if masked(name, value) != value}
    assert taken_by_gcloud(set_env_vars(variables), shell) == variables
