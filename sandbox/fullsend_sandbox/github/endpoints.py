"""Every endpoint of the sandbox's GitHub, in one table. A new group of endpoints is one more line here."""

from fullsend_sandbox.github.access_tokens import AccessTokenEndpoints
from fullsend_sandbox.github.accounts import AccountEndpoints
from fullsend_sandbox.github.actions_secrets import SecretEndpoints
from fullsend_sandbox.github.actions_variables import VariableEndpoints
from fullsend_sandbox.github.commits import CommitEndpoints
from fullsend_sandbox.github.content import ContentEndpoints
from fullsend_sandbox.github.holders import Holders
from fullsend_sandbox.github.installations import InstallationEndpoints
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.repositories import RepositoryEndpoints
from fullsend_sandbox.github.runners import RunnerEndpoints
from fullsend_sandbox.github.selected_repositories import SelectedRepositories
from fullsend_sandbox.routes import Route


def endpoints(parts: Parts) -> list[Route]:
    """Return the routes of all groups."""
    repositories = RepositoryEndpoints(parts)
    holders = Holders(parts, repositories)
    return [
        *InstallationEndpoints(parts).routes(),
        *AccessTokenEndpoints(parts).routes(),
        *repositories.routes(),
        *ContentEndpoints(parts, repositories).routes(),
        *CommitEndpoints(parts, repositories).routes(),
        *AccountEndpoints(parts).routes(),
        *RunnerEndpoints(parts, repositories).routes(),
        *VariableEndpoints(parts, holders).routes(),
        *SecretEndpoints(parts, holders).routes(),
        *SelectedRepositories(parts, holders).routes(),
    ]
