"""Declare the errors of a caller: its token is not proven genuine, or policy denies its request."""

from __future__ import annotations

from mintcore.errors.base import TELL_OPERATOR, MintError


class InvalidToken(MintError):
    """The token is not proven genuine. The caller never learns more than that."""

    code = "invalid_token"
    status = 401
    sentence = (
        "The OIDC token was not accepted; request a fresh one in the job, for this mint's audience, and retry."
    )
    cause = (
        "The OIDC token is not proven genuine: its audience, times, issuer or signature is wrong, or a "
        "claim is missing."
    )
    caller_fix = (
        "Usual causes: the token is for another audience (the default is fullsend-mint; change it with "
        "`--audience`); the token has expired (in GitHub Actions after five to ten minutes), so request it in "
        "the step that uses it; the mint accepts another issuer. The mint does not say which, on purpose; its "
        "operator sees the cause in the log."
    )
    operator_fix = (
        "Search the mint's log: `fullsend audit find --request-id ID --json LOG` shows the `cause` "
        "(docs/audit.md says how to get the log). The file of `AUDIT_LOG` does not have these requests. If "
        "Google refuses every token, run `fullsend mint doctor`: it compares the provider with the mint's "
        "settings."
    )
    action_fix = (
        "Usual causes: the token is for another audience (the default is fullsend-mint; change it with "
        "the input `audience`); the mint accepts another issuer. The mint does not say which, on purpose; its "
        "operator sees the cause in the log."
    )

    def __init__(self, *, detail: str) -> None:
        super().__init__(detail=detail)

    def headers(self) -> dict[str, str]:
        """Return the challenge of RFC 6750 §3.1."""
        return {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class ProviderMisconfigured(InvalidToken):
    """Google refuses a token with a proven signature, for a reason that only the operator can fix."""

    def __init__(self, *, detail: str, request_id: str) -> None:
        super().__init__(detail=detail)
        self.public = (
            "The OIDC token is genuine, but Google refuses it because of the mint's configuration. Fix: give the "
            f"request id {request_id} to the mint's operator; a new token does not help."
        )


class Denied(MintError):
    """The caller is genuine, and policy denies the request."""


class OrgNotAllowed(Denied):
    """The mint does not serve the caller's organization."""

    code = "org_not_allowed"
    status = 403
    sentence = "This mint does not serve the organization; ask its operator to enroll it."
    cause = (
        "The organization that owns the calling repository is not enrolled. Or its name now belongs to a "
        "different account, or the token lacks the id that the mint compares (`ENROLLED_IDS`)."
    )
    caller_fix = (
        "Ask the mint's operator to enroll the organization that owns this repository: `fullsend mint "
        "enroll YOUR-ORG`."
    )
    operator_fix = (
        "Run `fullsend mint enroll ORG` or `fullsend mint enroll ORG/REPO`. If the message says that "
        "the name belongs to a different account, check first who owns it now."
    )


class WorkflowNotAllowed(Denied):
    """The mint does not trust the workflow."""

    code = "workflow_not_allowed"
    status = 403
    sentence = "This mint does not trust the workflow that made the request."
    cause = "The mint does not trust the workflow file that the OIDC token names, or the ref it came from."
    caller_fix = (
        "The mint trusts a workflow by the repository, the file name and the ref it comes from. Call the "
        "trusted reusable workflow with `uses:`, or ask the operator to trust yours. `fullsend mint status "
        "--role ROLE` in the job shows each rule and its result."
    )
    operator_fix = (
        "Allow the file's name with `fullsend mint deploy --workflow-files FILE`, trust the "
        "repository's own workflows with `fullsend mint enroll ORG/REPO`, or add the ref to `WORKFLOW_REFS`."
    )


class RoleNotAllowed(Denied):
    """The mint does not serve the role."""

    code = "role_not_allowed"
    status = 403
    sentence = "This mint does not serve the role; GET /v1/status lists the roles it serves."
    cause = "The mint does not know the role, or does not serve it."
    caller_fix = (
        "Check the role's spelling; `fullsend mint status` in a job lists the roles you can request. Ask "
        "the mint's operator for a new one."
    )
    operator_fix = "Run `fullsend mint add-role ROLE`, or add the role to `ALLOWED_ROLES`."


class PermissionsNotAllowed(Denied):
    """The role does not have a requested permission at this level."""

    code = "permissions_not_allowed"
    status = 403
    sentence = "The request asks for permissions beyond the role's level."
    cause = "`permissions` asks for more than the role has at the requested level."
    caller_fix = (
        "Request only permissions within the level, or request a higher level if the role has one. If no level "
        "of the role has the permission, use another role. docs/callers.md lists each role's permissions."
    )
    operator_fix = (
        "Give the role more permissions only through `CUSTOM_ROLE_PERMISSIONS`; built-in roles are fixed."
    )


class ClaimsNotAllowed(Denied):
    """The token lacks a claim that the operator requires."""

    code = "claims_not_allowed"
    status = 403
    sentence = "A claim of the job's OIDC token has a value that this mint does not accept."
    cause = (
        "The job's token has other values than the operator requires for certain claims (`REQUIRED_CLAIMS`) or "
        "for jobs of another CI system (`CALLERS`)."
    )
    caller_fix = (
        "The message names the claim, such as `event_name`, or for another CI system `ref_protected`. Mint "
        "in a job whose claim has an accepted value."
    )
    operator_fix = (
        "Change the accepted values in `REQUIRED_CLAIMS`, or the entry of `CALLERS` that the message names."
    )


class ScopeNotAllowed(Denied):
    """The caller may not reach a repository that it asked for."""

    code = "scope_not_allowed"
    status = 403
    sentence = "The request asks for repositories outside the scope that this mint allows the caller."
    cause = "The request names repositories that the role's scope does not allow this caller."
    caller_fix = (
        "Request what the message allows, usually the calling repository. For another repository, its "
        "owner can grant access: `fullsend github grant`."
    )
    operator_fix = "Set `REPO_SCOPE` for the role, or `GRANTS=1` so that targets can grant access themselves."


class GrantsNotEnabled(Denied):
    """The caller asked for another organization, and grants are off."""

    code = "grants_not_enabled"
    status = 403
    sentence = "This mint does not serve target_org; its operator has not enabled grants."
    cause = "The request names another organization, and the mint runs without `GRANTS=1`."
    caller_fix = "Leave `target_org` out, or ask the mint's operator to enable grants."
    operator_fix = "Set `GRANTS=1`."


class TargetNotGranted(Denied):
    """The target does not grant the role to the caller."""

    code = "target_not_granted"
    status = 403
    sentence = "The target has not granted this caller the role."
    cause = "The variable of the target repository or organization does not list the caller."
    caller_fix = (
        "Ask the target's owner to run `fullsend github grant TARGET --role ROLE --caller OWNER/REPO`. "
        "The message names the variable. A new grant takes up to a minute."
    )


class TokenSpent(Denied):
    """The OIDC token has been used as often as the operator allows."""

    code = "token_spent"
    status = 403
    sentence = "This OIDC token has been used as often as the mint allows; request a fresh one in the job."
    cause = (
        "The OIDC token has reached the number of mints that the operator allows for one token "
        "(`MINTS_PER_TOKEN`). Or it has no `jti` claim, so its mints cannot be counted."
    )
    caller_fix = (
        "Request a fresh OIDC token for each mint. The action and the command line do; a script must not "
        "reuse its token. If the message says that the token has no `jti` claim, a fresh token does not help: tell "
        "the mint's operator."
    )
    operator_fix = (
        "If jobs need more mints per token, raise `MINTS_PER_TOKEN`. A token that is used twice can also be a "
        "stolen one: compare the runs that `fullsend audit find --repo OWNER/NAME LOG` lists. If the message "
        "says that the token has no `jti` claim, its issuer sets none: unset `MINTS_PER_TOKEN`, or accept only "
        "issuers that set `jti`."
    )


class RoleKeyMissing(Denied):
    """The role is configured, but its App key is missing."""

    code = "role_key_missing"
    status = 403
    sentence = "This mint does not have the role's App key; its operator has to add it."
    cause = "The role is configured, but its App key was never stored, or its newest version is disabled."
    caller_fix = f"The mint knows the role but does not have its App key. {TELL_OPERATOR}"
    operator_fix = (
        "Store the key: `fullsend mint add-role ROLE --app-id ID --pem FILE`, or put `ROLE.pem` into `PEM_DIR`."
    )
