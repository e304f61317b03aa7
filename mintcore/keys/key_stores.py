"""Combine two key stores: each role has its key in Cloud KMS or in the other store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mintcore.keys.kms import KmsKeys
    from mintcore.policy.names import Role
    from mintcore.ports import KeyStore, Signer
    from mintcore.request import RequestContext


class CombinedKeys:
    """Cloud KMS for the roles it holds, ``other`` for the rest.

    While an operator moves a key, both may hold it: KMS signs, and the other copy is not read.
    """

    def __init__(self, kms: KmsKeys, other: KeyStore) -> None:
        self._kms = kms
        self._other = other

    def signer(self, role: Role, context: RequestContext) -> Signer:
        """Return the role's signer. Raises RoleKeyMissing, KeyUnavailable or InvalidRoleKey."""
        return self._of(role).signer(role, context)

    def key_version(self, role: Role) -> Hashable:
        """Return the version of the role's key. Raises as :meth:`signer` does."""
        return self._of(role).key_version(role)

    def forget(self, role: Role) -> None:
        """Read the role's key again next time."""
        self._of(role).forget(role)

    def _of(self, role: Role) -> KeyStore:
        return self._kms if role in self._kms.versions else self._other
