"""List the permissions that GitHub documents for Apps. Only warnings use it: GitHub adds permissions.

Source: GitHub's OpenAPI description, ``app-permissions``, and "Permissions required for GitHub Apps".
"""

from __future__ import annotations

from mintcore.policy.spelling import closest_name

_NAMES = """
actions actions_variables administration artifact_metadata attestations checks codespaces codespaces_secrets
contents custom_properties_for_organizations dependabot_secrets deployments discussions email_addresses
enterprise_custom_properties_for_organizations environments followers git_ssh_keys gpg_keys interaction_limits
issues members merge_queues metadata organization_actions_variables organization_administration
organization_announcement_banners organization_codespaces organization_codespaces_secrets
organization_codespaces_settings organization_copilot_seat_management organization_custom_org_roles
organization_custom_properties organization_custom_roles organization_dependabot_secrets organization_events
organization_hooks organization_packages organization_personal_access_token_requests
organization_personal_access_tokens organization_plan organization_projects organization_secrets
organization_self_hosted_runners organization_user_blocking packages pages profile pull_requests
repository_advisories repository_custom_properties repository_hooks repository_projects
secret_scanning_alerts secrets security_events single_file starring statuses team_discussions
vulnerability_alerts workflows
"""
KNOWN = frozenset(_NAMES.split())


def intended_permission(name: str) -> str:
    """Return the known permission that an unknown ``name`` is one letter away from, or an empty text."""
    return "" if name in KNOWN else closest_name(name, sorted(KNOWN))
