"""Declare the errors that an owner of the organization has to fix on GitHub."""

from __future__ import annotations

from mintcore.errors.base import MintError


class InstallationError(MintError):
    """The organization has to change something on GitHub."""


class AppNotInstalled(InstallationError):
    """The role's App has no installation on the organization."""

    code = "app_not_installed"
    status = 422
    sentence = "The role's GitHub App is not installed on the organization; install it and try again."
    cause = "The role's GitHub App is not installed on the organization."
    caller_fix = (
        "Ask an owner of the organization to install the role's GitHub App; the message has the link. An "
        "installation on another organization does not count."
    )


class InstallationSuspended(InstallationError):
    """The installation is suspended."""

    code = "installation_suspended"
    status = 422
    sentence = (
        "The role's GitHub App is suspended on the organization; an owner has to unsuspend it in the "
        "organization's settings under 'GitHub Apps'."
    )
    cause = "The App is installed, but the installation is suspended."
    caller_fix = "Ask an owner of the organization to unsuspend it: Settings → GitHub Apps → Configure → Unsuspend."


class ReposNotAccessible(InstallationError):
    """The installation does not include a requested repository."""

    code = "repos_not_accessible"
    status = 422
    sentence = "The role's GitHub App cannot access a requested repository."
    cause = "A requested repository does not exist, or the installation does not include it."
    caller_fix = (
        "Check the names in the message: each must exist in the organization, and the App's installation "
        "must include it: Settings → GitHub Apps → Configure → Repository access."
    )


class PermissionsNotGranted(InstallationError):
    """The installation lacks a permission that the role needs."""

    code = "permissions_not_granted"
    status = 422
    sentence = "The role's GitHub App lacks a permission that the role needs."
    cause = (
        "The installation lacks a permission of the role, or the request has only permissions that GitHub "
        "does not have, such as `workflows: read`. The message names them."
    )
    caller_fix = (
        "If the message says what to request instead, request that. Otherwise the organization has not "
        "accepted all permissions of the App. An owner accepts them: Settings → GitHub Apps → Configure → Review "
        "request."
    )
    operator_fix = "If GitHub shows no request to review, add the permissions in the App's own settings."


class GitHubRefused(InstallationError):
    """GitHub refuses permanently: an IP allow list, SAML enforcement, a legal block."""

    code = "github_refused"
    status = 422
    sentence = "GitHub refuses access to this organization."
    cause = (
        "GitHub refuses permanently, for example because of an IP allow list. The message quotes GitHub. "
        "Without GitHub's JSON, a proxy or another service answered; its 401 and 404 are `github_unavailable`. "
        "A proxy that opens no tunnel, for example with 407, is this code too."
    )
    caller_fix = (
        "Read GitHub's sentence in the message. Usually an owner of the organization has to allow the "
        "App, for example in the IP allow list."
    )
    operator_fix = (
        "Without GitHub's JSON, or if a proxy opens no tunnel, check `GITHUB_API_URL` and `HTTPS_PROXY` with its "
        "user name and password. Otherwise give the "
        "organization's owners the mint's outgoing addresses, so they can allow them."
    )
