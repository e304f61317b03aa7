"""Emulate GitHub's REST API for Apps on loopback, written from GitHub's public documentation."""

from fullsend_sandbox.github.service import GitHubService
from fullsend_sandbox.github.state import Account, App, Installation, Repository
from fullsend_sandbox.github.tokens import IssuedToken, TokenStyle

__all__ = ["Account", "App", "GitHubService", "Installation", "IssuedToken", "Repository", "TokenStyle"]
