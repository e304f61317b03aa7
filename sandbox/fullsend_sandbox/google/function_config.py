"""Check the configuration of a Cloud Function, and make the Cloud Run template from it."""

import re
from collections.abc import Mapping
from typing import Any

from fullsend_sandbox.google.errors import invalid
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.templates import RESERVED_IN_FUNCTIONS, check_environment, check_labels

FUNCTION_ID = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
RUNTIMES = frozenset({"python310", "python311", "python312", "python313", "python314"})
CPU_OF_MEMORY = {"128": 0.083, "256": 0.1666, "512": 0.3333, "1": 0.5833, "2": 1.0, "4": 2.0, "8": 2.0, "16": 4.0}
MEMORY = re.compile(r"(\d+)(M|Mi|G|Gi)")
MAX_CONCURRENCY = 1000
MAX_TIMEOUT = 3600
DEFAULTS: Mapping[str, Any] = {
    "timeoutSeconds": 60,
    "maxInstanceCount": 100,
    "maxInstanceRequestConcurrency": 1,
    "availableMemory": "256M",
    "ingressSettings": "ALLOW_ALL",
    "allTrafficOnLatestRevision": True,
}


def check_function(function: Mapping[str, Any]) -> None:
    """Check a function as it is written. Raises RefusedError."""
    build = function.get("buildConfig", {})
    if build.get("runtime") not in RUNTIMES:
        raise invalid(f"Could not validate runtime: runtime '{build.get('runtime', '')}' is not supported.")
    if not build.get("entryPoint"):
        raise invalid("build_config.entry_point: an entry point must be given.")
    if function.get("environment", "GEN_2") != "GEN_2":
        raise invalid("environment: the v2 API creates functions of GEN_2.")
    if "eventTrigger" in function:
        raise invalid("event_trigger: the sandbox runs only functions with an HTTP trigger.")
    check_labels(function.get("labels", {}))
    service = function.get("serviceConfig", {})
    if "secretEnvironmentVariables" in service or "secretVolumes" in service:
        raise invalid("service_config: the sandbox hands no secrets to functions.")
    check_environment(service.get("environmentVariables", {}), RESERVED_IN_FUNCTIONS)
    _check_size(with_defaults(service))


def with_defaults(service: Mapping[str, Any]) -> dict[str, Any]:
    """Return a service configuration with what Google fills in."""
    return {**DEFAULTS, **service}


def _check_size(service: Mapping[str, Any]) -> None:
    memory = MEMORY.fullmatch(service["availableMemory"])
    if memory is None:
        raise invalid("service_config.available_memory: must be a quantity such as 512Mi.")
    try:
        cpu = float(service.get("availableCpu") or CPU_OF_MEMORY.get(memory[1], 1.0))
    except ValueError as problem:
        raise invalid("service_config.available_cpu: must be a number such as 1.") from problem
    concurrency = service["maxInstanceRequestConcurrency"]
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise invalid(f"service_config.max_instance_request_concurrency: must be 1 to {MAX_CONCURRENCY}.")
    if concurrency > 1 and cpu < 1:
        raise invalid("Invalid value specified for cpu. Total cpu < 1 is not supported with concurrency > 1.")
    if not 1 <= service["timeoutSeconds"] <= MAX_TIMEOUT:
        raise invalid(f"service_config.timeout_seconds: must be 1 to {MAX_TIMEOUT}.")


def template_of(function: Mapping[str, Any], image: str, project: Project) -> dict[str, Any]:
    """Return the revision template that Cloud Functions writes for a checked function."""
    service = with_defaults(function.get("serviceConfig", {}))
    environment = {**service.get("environmentVariables", {}), "LOG_EXECUTION_ID": "true"}
    memory = service["availableMemory"]
    return {
        "containers": [
            {
                "name": "worker",
                "image": image,
                "env": [{"name": name, "value": value} for name, value in environment.items()],
                "resources": {
                    "limits": {"memory": memory, "cpu": str(service.get("availableCpu", "1"))},
                    "cpuIdle": True,
                    "startupCpuBoost": True,
                },
                "ports": [{"name": "http1", "containerPort": 8080}],
            }
        ],
        "maxInstanceRequestConcurrency": service["maxInstanceRequestConcurrency"],
        "scaling": {"maxInstanceCount": service["maxInstanceCount"]},
        "serviceAccount": service_account_of(function, project),
        "timeout": f"{service['timeoutSeconds']}s",
        "labels": {},
    }


def service_account_of(function: Mapping[str, Any], project: Project) -> str:
    """Return the account that a function runs as; without one, the project's default."""
    email: str = function.get("serviceConfig", {}).get("serviceAccountEmail") or project.default_account
    return email
