"""Read an App key from the operator's file once, and check it before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.input_file import read_input_file
from fullsend.operate.operate_errors import BadInput
from mintcore.errors import InvalidRoleKey
from mintcore.keys.pem import normalize
from mintcore.keys.rsa import parse_signer
from mintcore.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from mintcore.policy.names import Role

LARGEST = 64 * 1024
_KEY = "Give the .pem file that GitHub offers for download on the App's page, under 'Private keys'."


def read_pem(path: Path, role: Role) -> Secret:
    """Return the key in a file. Raises BadInput if the mint could not use it."""
    try:
        data = read_input_file(path, LARGEST)
    except OSError as error:
        raise BadInput(f"The key file {path} cannot be read: {error.strerror or error}.", _KEY) from None
    try:
        parse_signer(data, role)
        # Not changed otherwise, because a stored key is compared with the file's text.
        return Secret((normalize(data) if b"\\n" in data else data).decode())
    except InvalidRoleKey as error:
        raise BadInput(f"{path}: {error.detail}.", _KEY) from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: is not text in PEM form.", _KEY) from None
