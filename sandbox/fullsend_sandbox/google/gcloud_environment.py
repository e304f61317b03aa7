"""The environment in which the real gcloud calls this control plane."""

from pathlib import Path

from fullsend_sandbox.loopback import HOST


def gcloud_environment(folder: Path, access_token: str, *, project: str, port: int) -> dict[str, str]:
    """Write the token and gcloud's own configuration into `folder`; return the variables that name them.

    `port` is that of the proxy that knows the regional names of Cloud Run.
    """
    token = folder / "access-token"
    token.touch(mode=0o600)
    token.write_text(access_token)
    return {
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
        "CLOUDSDK_CONFIG": str(folder / "gcloud-config"),
        "CLOUDSDK_CORE_PROJECT": project,
        "CLOUDSDK_PROXY_TYPE": "http",
        "CLOUDSDK_PROXY_ADDRESS": HOST,
        "CLOUDSDK_PROXY_PORT": str(port),
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
    }
