"""Emulate the IAM policies of resources: read, modify, write, guarded by an etag.

It checks which members and roles a policy may hold. The operator's calls do not depend on policies: they are
allowed unless a switch denies them. Only the secrets, the KMS keys, the public address and the build account read
bindings.
"""

import base64
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from fullsend_sandbox.google.calls import Call
from fullsend_sandbox.google.errors import aborted, invalid
from fullsend_sandbox.google.payload import bytes_of

ROLE = re.compile(r"(projects/[a-z0-9-]+/|organizations/\d+/)?roles/[A-Za-z0-9_.]+")
PLAIN_MEMBER = re.compile(r"(user|group|domain|deleted:serviceAccount):[^\s@:]+(@[^\s@]+)?")
POOL_MEMBER = re.compile(
    r"principal(?:Set)?://iam\.googleapis\.com/"
    r"(projects/\d+/locations/global/workloadIdentityPools/[a-z0-9-]+)/(?:\*|[a-z]\w*[./].+)"
)
SERVICE_ACCOUNT = "serviceAccount:"
PUBLIC = frozenset({"allUsers", "allAuthenticatedUsers"})

Policy = dict[str, Any]
Changed = Callable[[str], None]
"""Called with the name of a resource whose policy changed."""


class Policies:
    """The policies of one kind of resource, by the resource's name."""

    def __init__(
        self,
        *,
        knows_account: Callable[[str], bool],
        knows_pool: Callable[[str], bool],
        public: bool = True,
    ) -> None:
        """Take the functions that know service accounts (by e-mail) and pools (by name)."""
        self._knows_account = knows_account
        self._knows_pool = knows_pool
        self._public = public
        self.on_change: list[Changed] = []
        self._policies: dict[str, Policy] = {}

    def get(self, name: str) -> Policy:
        """Return a resource's policy; one that was never set has an etag and no bindings."""
        return self._policies.get(name, {"version": 1, "etag": "ACAB"})

    def start_with(self, name: str, role: str, member: str) -> None:
        """Give a resource its first binding, as Google does automatically."""
        self._store(name, [{"role": role, "members": [member]}])

    def clear(self, name: str) -> None:
        """Forget a resource's policy."""
        self._policies.pop(name, None)

    def replace(self, name: str, call: Call) -> Policy:
        """Answer `setIamPolicy`. Raises RefusedError."""
        policy: Mapping[str, Any] = call.body.get("policy", {})
        given, current = policy.get("etag"), self.get(name)["etag"]
        if given and bytes_of(given) != bytes_of(current):
            raise aborted(
                "There were concurrent policy changes. Please retry the whole read-modify-write with exponential "
                f"backoff. The request's ETag '{given}' did not match the current policy's ETag '{current}'."
            )
        bindings = [self._checked(binding) for binding in policy.get("bindings", [])]
        _check_deleted(bindings)
        return self._store(name, _merged(bindings))

    def members(self, name: str, role: str) -> set[str]:
        """Return the members with a role on a resource itself."""
        found = self.get(name).get("bindings", ())
        return {m for b in found if b["role"] == role and not b.get("condition") for m in b["members"]}

    def roles_of(self, name: str, member: str) -> set[str]:
        """Return the roles that a member holds on a resource itself, without a condition."""
        found = self.get(name).get("bindings", ())
        return {b["role"] for b in found if member in b["members"] and not b.get("condition")}

    def forget(self, name: str) -> None:
        """Drop the policy of a removed resource."""
        self._policies.pop(name, None)

    def retire(self, email: str, unique_id: str) -> None:
        """Mark a deleted service account in every policy; an account of the same name does not inherit it."""
        old, new = SERVICE_ACCOUNT + email, f"deleted:{SERVICE_ACCOUNT}{email}?uid={unique_id}"
        for name, policy in list(self._policies.items()):
            bindings = policy.get("bindings", [])
            if any(old in binding["members"] for binding in bindings):
                renamed = [b | {"members": [new if m == old else m for m in b["members"]]} for b in bindings]
                self._store(name, renamed)

    def _store(self, name: str, bindings: list[dict[str, Any]]) -> Policy:
        etag = base64.b64encode(b"BwY" + secrets.token_bytes(6)).decode()
        policy: Policy = {"version": 1, "etag": etag}
        self._policies[name] = policy | ({"bindings": bindings} if bindings else {})
        for told in self.on_change:
            told(name)
        return self._policies[name]

    def _checked(self, binding: Mapping[str, Any]) -> dict[str, Any]:
        role = binding.get("role", "")
        if not ROLE.fullmatch(role):
            raise invalid(f"Invalid role '{role}' in the policy: expected roles/NAME.")
        for member in binding.get("members", ()):
            self._check_member(member)
        return dict(binding) | {"members": list(binding.get("members", ()))}

    def _check_member(self, member: str) -> None:
        if member in PUBLIC:
            if not self._public:
                raise invalid(f"Members of type {member} cannot be granted a role on this resource.")
        elif member.startswith(SERVICE_ACCOUNT):
            email = member.removeprefix(SERVICE_ACCOUNT)
            if not self._knows_account(email):
                raise invalid(f"Service account {email} does not exist.")
        elif pool := POOL_MEMBER.fullmatch(member):
            if not self._knows_pool(pool[1]):
                raise invalid(
                    f"Identity Pool does not exist ({pool[1]}). Please check that you specified a valid resource "
                    "name as returned in the `name` attribute in the configuration API."
                )
        elif not PLAIN_MEMBER.fullmatch(member):
            raise invalid(f"Invalid value '{member}' in the policy: the member has an unknown type.")


def _check_deleted(bindings: list[dict[str, Any]]) -> None:
    """Refuse a member beside a deleted one of the same name, which may have had more rights, as Google does."""
    everyone = {member for binding in bindings for member in binding["members"]}
    for member in everyone:
        if member.startswith("deleted:") and member.removeprefix("deleted:").partition("?")[0] in everyone:
            raise invalid(
                f"The policy has the deleted principal {member} and a new one of its name. Remove the deleted one."
            )


def _merged(bindings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join bindings of the same role and condition, drop double and empty ones, as Google does."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for binding in bindings:
        key = (binding["role"], repr(binding.get("condition")))
        kept = merged.setdefault(key, binding | {"members": []})
        kept["members"] = sorted({*kept["members"], *binding["members"]})
    return [binding for binding in merged.values() if binding["members"]]
