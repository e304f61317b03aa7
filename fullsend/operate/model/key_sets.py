"""Check JSON Web Key Sets that are uploaded with a provider, for an issuer that Google cannot reach.

Pure. It accepts what IAM documents for `oidc.jwksJson`: RSA and EC public keys with a fixed set of members.
"""

from __future__ import annotations

import json
from typing import Any

from fullsend.operate.operate_errors import BadInput

MAX_BYTES = 64 * 1024
_COMMON = frozenset({"kty", "alg", "use", "kid"})
_NEEDED = {"RSA": frozenset({"n", "e"}), "EC": frozenset({"x", "y", "crv"})}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""RFC 7518 §6: the members that only a private or symmetric key has."""
_JQ = "jq '{keys: [.keys[] | {kty, alg, use, kid, n, e, x, y, crv} | with_entries(select(.value != null))]}' FILE"


def read_key_set(text: str, name: str) -> str:
    """Return a key set in the form that is written and compared; `name` is the file's name.

    Raises BadInput. The message never quotes the file, which may hold a private key by mistake.
    """
    parsed = _parsed(text)
    keys = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise BadInput(
            f"{name} is not a JSON Web Key Set, an object with the list keys.",
            "Save the key set that the issuer publishes; for Kubernetes: kubectl get --raw /openid/v1/jwks",
        )
    for number, key in enumerate(keys):
        _check(key, f"keys[{number}] of {name}")
    return canonical(text)


def canonical(text: str) -> str:
    """Return a key set as compact JSON with sorted keys. Text that is not JSON stays unchanged."""
    parsed = _parsed(text)
    return text if parsed is None else json.dumps(parsed, sort_keys=True, separators=(",", ":"))


def _check(key: dict[str, Any], where: str) -> None:
    if _PRIVATE & set(key):
        raise BadInput(
            f"{where} is a private key. It was not uploaded.",
            "Give the public keys that the issuer publishes. Replace the private key if it is in use.",
        )
    needed = _NEEDED.get(str(key.get("kty", "")))
    if needed is None:
        raise BadInput(f"{where} is not a key of kty RSA or EC.", "Remove it from the file.")
    missing = sorted((needed | {"kty", "kid"}) - set(key))
    if missing:
        raise BadInput(
            f"{where} has no {', '.join(missing)}.", "Save the key set again as the issuer publishes it."
        )
    further = sorted(set(key) - _COMMON - needed)
    if further:
        raise BadInput(f"{where} has {ascii(further[0])[:40]}, which Google refuses.", f"Remove it: {_JQ}")
    if not all(isinstance(value, str) for value in key.values()):
        raise BadInput(
            f"{where} has a member that is not a string.", "Save the key set again as the issuer publishes it."
        )


def _parsed(text: str) -> Any:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
