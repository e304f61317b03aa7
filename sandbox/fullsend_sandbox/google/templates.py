"""Check the revision templates of a Cloud Run service, and read the values that a process needs."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fullsend_sandbox.google.errors import invalid

RESERVED = frozenset({"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"})
RESERVED_IN_FUNCTIONS = RESERVED | {"FUNCTION_SIGNATURE_TYPE", "FUNCTION_TARGET"}
REVISION_SUFFIX = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
MAX_NAME = 63
MAX_ENVIRONMENT = 32 * 1024
LABEL_KEY = re.compile(r"(?:client\.knative\.dev/)?[a-z][a-z0-9_-]{0,62}")
LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


def check_template(service: str, template: Mapping[str, Any]) -> None:
    """Check a template. Raises RefusedError."""
    containers = template.get("containers", [])
    if len(containers) != 1:
        raise invalid("template.containers: the sandbox runs exactly one container.")
    if not containers[0].get("image"):
        raise invalid("template.containers[0].image: a container must have an image.")
    revision = template.get("revision")
    if revision is not None:
        suffix = revision.removeprefix(f"{service}-")
        if suffix == revision or not REVISION_SUFFIX.fullmatch(suffix) or len(revision) > MAX_NAME:
            raise invalid(
                f"template.revision: must begin with '{service}-' and have at most {MAX_NAME} characters."
            )
    environment = containers[0].get("env", [])
    names = [variable.get("name", "") for variable in environment]
    if len(names) != len(set(names)):
        raise invalid("template.containers[0].env: a variable is given twice.")
    if any("valueSource" in variable for variable in environment):
        raise invalid("template.containers[0].env: the sandbox reads no variables from secrets.")
    check_environment({v.get("name", ""): v.get("value", "") for v in environment}, RESERVED)
    check_labels(template.get("labels", {}))


def check_environment(variables: Mapping[str, str], reserved: Iterable[str]) -> None:
    """Check environment variables. Raises RefusedError."""
    taken = sorted(set(reserved) & set(variables))
    if taken:
        raise invalid(
            f"The following reserved env names were provided: {', '.join(taken)}. "
            "These values are automatically set by the system."
        )
    if any(not name or "=" in name or "\0" in name + value for name, value in variables.items()):
        raise invalid("An environment variable has a name that is empty or holds '=', or a value that holds NUL.")
    size = sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())
    if size > MAX_ENVIRONMENT:
        raise invalid(f"Environment variables are {size} bytes together; at most {MAX_ENVIRONMENT} are allowed.")


def check_labels(labels: Mapping[str, str]) -> None:
    """Check labels. Raises RefusedError."""
    for key, value in labels.items():
        if not (LABEL_KEY.fullmatch(key) and LABEL_VALUE.fullmatch(value)):
            raise invalid(
                f"Invalid label '{key}': keys and values have at most 63 characters of a-z, 0-9, underscores and "
                "dashes, and keys begin with a letter."
            )


def environment_of(template: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of a checked template."""
    return {v["name"]: v.get("value", "") for v in template["containers"][0].get("env", [])}


def image_of(template: Mapping[str, Any]) -> str:
    """Return the image of a checked template."""
    image: str = template["containers"][0]["image"]
    return image
