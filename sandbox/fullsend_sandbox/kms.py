"""Emulate the part of Cloud KMS that the mint uses, `asymmetricSign`, and let tests set up keys.

A loopback client sends no credentials, so `deny` and `allow` decide per key whether the mint may sign. The
operator's API over the same keys is `google/kms.py`.
"""

import json
import threading
from time import time

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.google.errors import RefusedError, not_found, permission_denied
from fullsend_sandbox.google_errors import google_error, google_json, no_such_method
from fullsend_sandbox.kms_keys import KeyVersion
from fullsend_sandbox.loopback import LoopbackService
from fullsend_sandbox.routes import Routes

HOST = "cloudkms.googleapis.com"
USE_TO_SIGN = "cloudkms.cryptoKeyVersions.useToSign"


class KeyManagement(LoopbackService):
    """The keys of one project, which goes by its number and by its id."""

    def __init__(self, project_number: str, project_id: str, *, clock: Clock = time) -> None:
        path = (
            "/v1/projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>"
            "/cryptoKeyVersions/<version>:asymmetricSign"
        )
        super().__init__("kms", Routes([("POST", path, self._sign)], otherwise=no_such_method), clock=clock)
        self._projects = {project_number, project_id}
        self._id = project_id
        self.lock = threading.RLock()
        """Held while keys are read or changed."""
        self.versions: dict[str, KeyVersion] = {}
        """By full name, with the project's id in it."""
        self._denied: set[str] = set()

    def key_name(self, key: str, *, ring: str = "fullsend-mint", location: str = "us-central1") -> str:
        """Return a key's full name."""
        return f"projects/{self._id}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}"

    def put(self, key: str, pem: bytes, *, algorithm: str = "RSA_SIGN_PKCS1_2048_SHA256") -> str:
        """Add a version that holds this private key; return the version's full name."""
        private = load_pem_private_key(pem, password=None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise TypeError("the sandbox signs with RSA keys")
        with self.lock:
            parent = self.key_name(key)
            number = 1 + sum(name.startswith(f"{parent}/") for name in self.versions)
            name = f"{parent}/cryptoKeyVersions/{number}"
            self.versions[name] = KeyVersion(name, algorithm, key=private)
        return name

    def set_state(self, version: str, state: str) -> None:
        """Set a version's state, such as DISABLED."""
        with self.lock:
            self.versions[version].state = state

    def deny(self, key: str) -> None:
        """Take `roles/cloudkms.signer` on a key, by its full name, away from the mint."""
        with self.lock:
            self._denied.add(key)

    def allow(self, key: str) -> None:
        """Grant it again."""
        with self.lock:
            self._denied.discard(key)

    def clear(self) -> None:
        """Forget every key."""
        with self.lock:
            self.versions.clear()
            self._denied.clear()

    def _sign(self, request: Request, project: str, **parts: str) -> Response:
        if project not in self._projects:
            return google_error("PERMISSION_DENIED", f"Permission denied on resource project {project}.")
        key = self.key_name(parts["key"], ring=parts["ring"], location=parts["location"])
        name = f"{key}/cryptoKeyVersions/{parts['version']}"
        try:
            body = json.loads(request.get_data() or b"{}")
        except (ValueError, RecursionError):
            return google_error("INVALID_ARGUMENT", "Invalid JSON payload received.")
        try:
            with self.lock:
                if key in self._denied:
                    raise permission_denied(USE_TO_SIGN, HOST, name)
                version = self.versions.get(name)
                if version is None:
                    raise not_found(f"CryptoKeyVersion {name} not found.")
                return google_json(version.sign(body if isinstance(body, dict) else {}))
        except RefusedError as refused:
            return refused.response()
