"""Every endpoint of the sandbox's GitHub, in one table. A new group of endpoints is one more line here."""

from fullsend.sandbox.github.access_tokens import AccessTokenEndpoints
from fullsend.sandbox.github.accounts import AccountEndpoints
from fullsend.sandbox.github.actions_secrets import SecretEndpoints
from fullsend.sandbox.github.actions_variables import VariableEndpoints
from fullsend.sandbox.github.content import ContentEndpoints
from fullsend.sandbox.github.installations import InstallationEndpoints
from fullsend.sandbox.github.keepers import Keepers
from fullsend.sandbox.github.parts import Parts
from fullsend.sandbox.github.repositories import RepositoryEndpoints
from fullsend.sandbox.github.runners import RunnerEndpoints
from fullsend.sandbox.github.selected_repositories import SelectedRepositories
from fullsend.sandbox.routes import Route


def endpoints(parts: Parts) -> list[Route]:
    """Return the routes of all groups."""
    repositories = RepositoryEndpoints(parts)
    keepers = Keepers(parts, repositories)
    return [
        *InstallationEndpoints(parts).routes(),
        *AccessTokenEndpoints(parts).routes(),
        *repositories.routes(),
        *ContentEndpoints(parts, repositories).routes(),
        *AccountEndpoints(parts).routes(),
        *RunnerEndpoints(parts, repositories).routes(),
        *VariableEndpoints(parts, keepers).routes(),
        *SecretEndpoints(parts, keepers).routes(),
        *SelectedRepositories(parts, keepers).routes(),
    ]
