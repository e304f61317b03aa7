"""GitHub's REST API for Apps on loopback, written from GitHub's public documentation."""

from fullsend.sandbox.github.service import GitHubService
from fullsend.sandbox.github.state import Account, App, Installation, Repository
from fullsend.sandbox.github.tokens import IssuedToken, TokenStyle

__all__ = ["Account", "App", "GitHubService", "Installation", "IssuedToken", "Repository", "TokenStyle"]
