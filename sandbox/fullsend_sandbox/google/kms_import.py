"""Emulate Cloud KMS import jobs: key material arrives wrapped, so only KMS can read it.

Unwraps as Google documents it ("Wrapping a key using OpenSSL"): RSA-OAEP over an AES-256 key, and AES-KWP
(RFC 5649) over the PKCS#8 DER of the private key.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.errors import already_exists, failed_precondition, invalid, not_found
from fullsend_sandbox.google.kms import RESOURCE_ID, KeyRings, show
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.payload import bytes_of
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.kms_keys import ALGORITHMS

METHODS = {"RSA_OAEP_3072_SHA256_AES_256": 3072, "RSA_OAEP_4096_SHA256_AES_256": 4096}
LIFETIME = 3 * 24 * 3600
AES_BYTES = 32


@dataclass
class _Job:
    name: str
    method: str
    level: str
    born: float
    key: rsa.RSAPrivateKey = field(repr=False)


class ImportJobs:
    """Import jobs of all rings; a job is ready `seconds` after it was made and lives for three days."""

    def __init__(self, project: Project, rings: KeyRings, *, make_key: Callable[[int], rsa.RSAPrivateKey]) -> None:
        """Take keys of a size in bits from ``make_key``."""
        self.seconds = 0.0
        self._project = project
        self._rings = rings
        self._make_key = make_key
        self._jobs: dict[str, _Job] = {}

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        at, may = "projects.locations.keyRings.", "cloudkms."
        return {
            f"{at}importJobs.create": Endpoint(self._create, f"{may}importJobs.create"),
            f"{at}importJobs.get": Endpoint(lambda call: self._show(self._job(call)), f"{may}importJobs.get"),
            f"{at}importJobs.list": Endpoint(self._list, f"{may}importJobs.list"),
            f"{at}cryptoKeys.cryptoKeyVersions.import": Endpoint(self._import, f"{may}cryptoKeyVersions.create"),
        }

    def _create(self, call: Call) -> dict[str, Any]:
        job_id = call.query.get("importJobId", "")
        if not RESOURCE_ID.fullmatch(job_id):
            raise invalid("importJobId must have 1 to 63 letters, digits, underscores and dashes.")
        name = f"{self._rings.ring(call)}/importJobs/{job_id}"
        if name in self._jobs:
            raise already_exists(f"ImportJob {name} already exists.")
        method, level = call.body.get("importMethod"), call.body.get("protectionLevel")
        if method not in METHODS or level not in {"SOFTWARE", "HSM"}:
            raise invalid(f"import_method must be one of {', '.join(METHODS)}, protection_level SOFTWARE or HSM.")
        key = self._make_key(METHODS[method])
        self._jobs[name] = _Job(name, method, level, self._project.clock(), key)
        return self._show(self._jobs[name], new=True)

    def _list(self, call: Call) -> dict[str, Any]:
        ring = self._rings.ring(call)
        jobs = [self._show(job) for name, job in sorted(self._jobs.items()) if name.startswith(f"{ring}/")]
        return page(call, "importJobs", jobs) | {"totalSize": len(jobs)}

    def _import(self, call: Call) -> dict[str, Any]:
        key = self._rings.key(call)
        job = self._jobs.get(self._project.by_id(call.body.get("importJob", "")))
        if job is None or job.name.split("/importJobs/")[0] != key.split("/cryptoKeys/")[0]:
            raise not_found(f"ImportJob {call.body.get('importJob', '')} not found.")
        if self._state(job) != "ACTIVE":
            raise failed_precondition(f"ImportJob {job.name} is in state {self._state(job)}.")
        template = self._rings.template(key)
        if call.body.get("algorithm") != template["algorithm"] or job.level != template["protectionLevel"]:
            raise invalid("The algorithm and the protection level must be those of the key's version template.")
        if call.body.get("cryptoKeyVersion"):
            raise invalid("crypto_key_version: the sandbox imports only into new versions.")
        wrapped = bytes_of(call.body.get("wrappedKey") or call.body.get("rsaAesWrappedKey") or "")
        if len(wrapped) <= METHODS[job.method] // 8:
            raise invalid("wrapped_key: is too short for the import method.")
        try:
            private = _unwrap(job, wrapped, ALGORITHMS[template["algorithm"]].bits)
        except ValueError as problem:
            failed = {"importJob": job.name, "importFailureReason": str(problem)}
            return show(self._rings.add_version(key, "IMPORT_FAILED", None, **failed))
        done = {"importJob": job.name, "importTime": self._project.now()}
        version = self._rings.add_version(key, "ENABLED", private, **done)
        return show(version) | {"state": "PENDING_IMPORT"}

    def _job(self, call: Call) -> _Job:
        name = self._project.by_id(call.name)
        if name not in self._jobs:
            raise not_found(f"ImportJob {name} not found.")
        return self._jobs[name]

    def _state(self, job: _Job) -> str:
        age = self._project.clock() - job.born
        if age < self.seconds:
            return "PENDING_GENERATION"
        return "ACTIVE" if age < LIFETIME else "EXPIRED"

    def _show(self, job: _Job, *, new: bool = False) -> dict[str, Any]:
        state = "PENDING_GENERATION" if new else self._state(job)
        shown: dict[str, Any] = {
            "name": job.name,
            "importMethod": job.method,
            "protectionLevel": job.level,
            "state": state,
            "createTime": self._project.timestamp(job.born),
            "expireTime": self._project.timestamp(job.born + LIFETIME),
        }
        if state != "ACTIVE":
            return shown
        pem = job.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return shown | {"publicKey": {"pem": pem.decode()}, "generateTime": shown["createTime"]}


def _unwrap(job: _Job, wrapped: bytes, bits: int) -> rsa.RSAPrivateKey:
    """Return the private key. Raises ValueError, whose text is the import's failure reason."""
    size = METHODS[job.method] // 8
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    try:
        aes = job.key.decrypt(wrapped[:size], oaep)
        der = aes_key_unwrap_with_padding(aes, wrapped[size:])
        private = serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError, InvalidUnwrap) as problem:
        raise ValueError("The wrapped key could not be unwrapped with the import job's key.") from problem
    if len(aes) != AES_BYTES or not isinstance(private, rsa.RSAPrivateKey) or private.key_size != bits:
        raise ValueError("The key's type or size is not the algorithm's.")
    return private
