"""Convert enum values to numbers, as Google's REST client libraries send and request them.

Discovery documents list names only. Most enums count up from 0 in that order; `EXCEPTIONS` holds the ones
that this sandbox shows or accepts and that do not. Source: the `.proto` files in github.com/googleapis/googleapis.
"""

from collections.abc import Mapping, Sequence
from typing import Any

EXCEPTIONS: Mapping[str, Mapping[str, int]] = {
    "LAUNCH_STAGE_UNSPECIFIED": {
        "LAUNCH_STAGE_UNSPECIFIED": 0,
        "UNIMPLEMENTED": 6,
        "PRELAUNCH": 7,
        "EARLY_ACCESS": 1,
        "ALPHA": 2,
        "BETA": 3,
        "GA": 4,
        "DEPRECATED": 5,
    },
    "SECRET_TYPE_UNSPECIFIED": {
        "SECRET_TYPE_UNSPECIFIED": 0,
        "CLOUD_SQL_DB_CREDENTIALS": 1,
        "ACCESS_KEY": 2,
        "CERTIFICATE": 3,
        "OTHER_DB_CREDENTIALS": 4,
        "OTHER": 50,
    },
    "LOG_TYPE_UNSPECIFIED": {"LOG_TYPE_UNSPECIFIED": 0, "ADMIN_READ": 1, "DATA_WRITE": 2, "DATA_READ": 3},
    "CRYPTO_KEY_PURPOSE_UNSPECIFIED": {
        "CRYPTO_KEY_PURPOSE_UNSPECIFIED": 0,
        "ENCRYPT_DECRYPT": 1,
        "ASYMMETRIC_SIGN": 5,
        "ASYMMETRIC_DECRYPT": 6,
        "RAW_ENCRYPT_DECRYPT": 7,
        "MAC": 9,
    },
    "CRYPTO_KEY_VERSION_STATE_UNSPECIFIED": {
        "CRYPTO_KEY_VERSION_STATE_UNSPECIFIED": 0,
        "ENABLED": 1,
        "DISABLED": 2,
        "DESTROYED": 3,
        "DESTROY_SCHEDULED": 4,
        "PENDING_GENERATION": 5,
        "PENDING_IMPORT": 6,
        "IMPORT_FAILED": 7,
    },
    "CRYPTO_KEY_VERSION_ALGORITHM_UNSPECIFIED": {
        "CRYPTO_KEY_VERSION_ALGORITHM_UNSPECIFIED": 0,
        "RSA_SIGN_PSS_2048_SHA256": 2,
        "RSA_SIGN_PKCS1_2048_SHA256": 5,
        "RSA_SIGN_PKCS1_3072_SHA256": 6,
        "RSA_SIGN_PKCS1_4096_SHA256": 7,
        "RSA_SIGN_PKCS1_4096_SHA512": 16,
    },
}
"""By the name of the zero value; an enum that is listed here has exactly these numbers."""


def numbers(names: Sequence[str]) -> Mapping[str, int]:
    """Return the number of each value of an enum whose names a discovery document lists."""
    listed = EXCEPTIONS.get(names[0])
    return listed if listed is not None else {name: number for number, name in enumerate(names)}


def name_of(names: Sequence[str], number: int) -> str | None:
    """Return the value's name; None for a number that the enum does not have."""
    return next((name for name, known in numbers(names).items() if known == number), None)


class NumberedEnums:
    """Rewrites answers for `$alt=json;enum-encoding=int`."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]]) -> None:
        self._schemas = schemas

    def encode(self, schema: Mapping[str, Any], value: Any) -> Any:
        """Return the value with numbers for its enums; names that the enum does not have stay."""
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"]]
        if isinstance(value, dict):
            return self._message(schema, value)
        if isinstance(value, list):
            return [self.encode(schema.get("items", {}), one) for one in value]
        if isinstance(value, str) and "enum" in schema:
            return numbers(schema["enum"]).get(value, value)
        return value

    def _message(self, schema: Mapping[str, Any], value: dict[str, Any]) -> dict[str, Any]:
        schema = self._packed(value) or schema  # an Any names its own type
        fields, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        return {name: self.encode(fields.get(name, others), one) for name, one in value.items()}

    def _packed(self, value: dict[str, Any]) -> Mapping[str, Any] | None:
        """Return the schema of an `Any`; documents name types with or without their package."""
        segments = str(value.get("@type", "")).rpartition("/")[2].split(".")
        whole = "".join(segment[:1].upper() + segment[1:] for segment in segments)
        return self._schemas.get(whole) or self._schemas.get(segments[-1])
