"""Check the roles that sign with Cloud KMS: the key version, the permission to sign, and leftover secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.doctor.finding import Finding, Kind, KmsReport, Snapshot
from fullsend.operate.gcp.kms import SIGNER
from fullsend.operate.model.kms_names import ALGORITHMS, DISABLED, ENABLED
from fullsend.operate.model.names import secret_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mintcore.policy.names import Role


def keys(snapshot: Snapshot) -> Iterator[Finding]:
    """Find key versions that cannot sign for the mint, and secrets that Cloud KMS has replaced."""
    for role, report in sorted(snapshot.kms.items()):
        again = snapshot.command(f"import-key {role} --pem FILE.pem")
        where = f"The Cloud KMS key of the role {role} ({report.version})"
        if report.unreadable:
            yield Finding(
                "kms_not_checked", f"{where} was not checked: {report.unreadable}", report.fix, Kind.UNCHECKED
            )
            continue
        yield from _version(report, where, again)
        if snapshot.state.member not in report.signers:
            key, _, _ = report.version.partition("/cryptoKeyVersions/")
            grant = f"gcloud kms keys add-iam-policy-binding {key} --role {SIGNER} --member {snapshot.state.member}"
            yield Finding("kms_without_access", f"{where} may not be used by the mint.", grant)
        yield from _leftover(snapshot, role)


def _version(report: KmsReport, where: str, again: str) -> Iterator[Finding]:
    if report.state == DISABLED:
        enable = f"gcloud kms keys versions enable {report.version}"
        yield Finding("kms_version_disabled", f"{where} is disabled.", enable)
    elif report.state != ENABLED:
        yield Finding("kms_version_unusable", f"{where} is {report.state or 'missing'}.", again)
    elif report.algorithm not in ALGORITHMS.values():
        yield Finding(
            "kms_wrong_algorithm", f"{where} has the algorithm {report.algorithm}; GitHub needs RS256.", again
        )


def _leftover(snapshot: Snapshot, role: Role) -> Iterator[Finding]:
    secret = snapshot.state.secrets.get(role)
    if secret is not None and secret.versions:
        what = f"The secret {secret_id(role)} still has a copy of a key, although the role signs with Cloud KMS."
        delete = f"gcloud secrets delete {secret_id(role)} --project {snapshot.state.location.project}"
        yield Finding("kms_leftover_secret", what, delete)
