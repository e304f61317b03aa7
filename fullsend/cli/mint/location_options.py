"""Find the operator's project: from the option, or from gcloud's variables. Needs no extra package."""

from __future__ import annotations

import os

PROJECT_VARIABLES = ("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")


def project_from_environment() -> str | None:
    """Return the project that the environment names, or None."""
    return next((os.environ[name] for name in PROJECT_VARIABLES if os.environ.get(name)), None)
