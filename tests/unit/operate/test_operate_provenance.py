"""Published digests, and the source that Cloud Functions has beside them."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.client.mint_health import Health
from fullsend.operate.doctor.finding import Kind, Snapshot
from fullsend.operate.doctor.provenance_checks import provenance
from fullsend.operate.model.provenance import Provenance, ServedSource, parse_digests, source_name
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.bundle import build, default_source, of_archive
from tests.unit.operate.plan_values import BUNDLE, running

ONE, OTHER = "a" * 64, "b" * 64
NAME = "fullsend-mint-0.1.0-source.zip"
STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": NAME, "digest": {"sha256": ONE}}]}


def bundle_of(statement: object) -> str:
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    media = "application/vnd.dev.sigstore.bundle.v0.3+json"
    return json.dumps({"mediaType": media, "dsseEnvelope": {"payload": payload}})


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}  ./{NAME}\n",
        f"{OTHER}  other.whl\n{ONE} *{NAME}\n",
        json.dumps(STATEMENT),
        json.dumps(STATEMENT, indent=2),
        bundle_of(STATEMENT),
        f"{bundle_of({'subject': []})}\n{bundle_of(STATEMENT)}\n",
    ],
)
def test_digests_are_read_from_checksums_statements_and_bundles(text: str) -> None:
    assert parse_digests(text, "F")[NAME] == ONE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a checksum",
        f"{ONE.upper()}  {NAME}",
        f"{ONE}  ../{NAME}",
        f"{ONE[1:]}  {NAME}",
        "{}",
        "{",
        json.dumps({"dsseEnvelope": {"payload": "%%%"}}),
        json.dumps({"dsseEnvelope": {"payload": 7}}),
        json.dumps({"subject": [{"name": NAME, "digest": {"sha256": "short"}}]}),
        json.dumps({"subject": [{"name": NAME, "digest": {"sha512": ONE}}]}),
        json.dumps({"subject": {"name": NAME}}),
        f"{ONE}  {NAME}\n{OTHER}  {NAME}\n",
    ],
)
def test_what_names_no_digest_or_two_for_one_file_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_digests(text, "F")


@given(st.one_of(st.text(), st.text().map("{{{}".format), st.from_regex(r"[0-9a-f]{64}  .*", fullmatch=True)))
def test_any_text_is_digests_or_bad_input(text: str) -> None:
    try:
        found = parse_digests(text, "F")
    except BadInput:
        return
    assert all(len(digest) == 64 for digest in found.values())


def archive(*extra: str) -> bytes:
    """Pack the source in another way than `deploy` does: deflated, in another order, with folders."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed,
        zipfile.ZipFile(io.BytesIO(build(default_source()).data)) as ours,
    ):
        packed.writestr("mintcore/", "")
        for name in reversed(ours.namelist()):
            packed.writestr(name, ours.read(name))
        for name in extra:
            packed.writestr(name, "")
    return buffer.getvalue()


def test_the_same_files_have_the_same_hash_however_they_are_packed() -> None:
    assert of_archive(archive()) == (build(default_source()).sha256, ())


@pytest.mark.parametrize("name", ["sitecustomize.py", "jwt/__init__.py", "mintcore/x.so", "mintcore.py"])
def test_files_beside_the_source_are_named(name: str) -> None:
    assert of_archive(archive(name)) == (build(default_source()).sha256, (name,))


@pytest.mark.parametrize("data", [b"", b"no zip", archive()[:-30]])
def test_a_file_other_than_an_archive_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        of_archive(data)


def codes(served: ServedSource, *, digests: dict[str, str] | None = None, version: str = "0.1.0") -> list[str]:
    known = {source_name("0.1.0"): BUNDLE.sha256} if digests is None else digests
    published = Provenance("SHA256SUMS", known, served)
    snapshot = Snapshot(running(), health=Health(refuses=True, version=version, details=""), provenance=published)
    return [finding.code for finding in provenance(snapshot)]


def test_a_published_source_is_found_right_and_others_are_named() -> None:
    right = ServedSource(BUNDLE.sha256)
    assert codes(right) == []
    assert codes(right, digests={source_name("0.1.0"): OTHER}) == ["source_not_published"]
    assert codes(right, digests={"other.whl": BUNDLE.sha256}) == ["provenance_missing"]
    assert codes(right, version="0.2.0") == ["provenance_missing"]
    assert codes(right, version="") == ["provenance_missing"]
    assert codes(replace(right, others=("x.py",))) == ["source_with_other_files"]
    assert codes(ServedSource(OTHER)) == ["source_not_published", "serves_another_source"]


def test_without_a_file_nothing_is_compared_and_an_unreadable_source_is_said_to_be_unchecked() -> None:
    assert list(provenance(Snapshot(running()))) == []
    unread = Snapshot(running(), provenance=Provenance("F", {}, ServedSource(unreadable="no", fix="f")))
    assert [finding.kind for finding in provenance(unread)] == [Kind.UNCHECKED]
