from __future__ import annotations

import pytest

from mintcore.policy.workflow_ref import parse_workflow_ref

PLACE = "octo/app/.github/workflows/"
SHA = "0123456789abcdef0123456789abcdef01234567"
SHA256 = SHA + "89abcdef0123456789abcdef"

ODD_BUT_VALID = [
    (f"{PLACE}ci.yml@refs/heads/main", "ci.yml", "refs/heads/main"),
    (f"{PLACE}ci.yaml@refs/tags/v1.2.3", "ci.yaml", "refs/tags/v1.2.3"),
    (f"{PLACE}ci.yml@{SHA}", "ci.yml", SHA),
    (f"{PLACE}ci.yml@{SHA.upper()}", "ci.yml", SHA.upper()),
    (f"{PLACE}ci.yml@{SHA256}", "ci.yml", SHA256),
    (f"{PLACE}ci.yml@refs/pull/1/merge", "ci.yml", "refs/pull/1/merge"),
    (f"{PLACE}ci.yml@refs/pull/123456/head", "ci.yml", "refs/pull/123456/head"),
    (f"{PLACE}ci.yml@refs/heads/user@host/x", "ci.yml", "refs/heads/user@host/x"),
    (f"{PLACE}ci.yml@refs/heads/a@refs/heads/main", "ci.yml", "refs/heads/a@refs/heads/main"),
    (f"{PLACE}ci.yml@refs/heads/@", "ci.yml", "refs/heads/@"),
    (f"{PLACE}ci.yml@refs/heads/refs/heads/main", "ci.yml", "refs/heads/refs/heads/main"),
    (f"{PLACE}ci.yml@refs/heads/release/1.x", "ci.yml", "refs/heads/release/1.x"),
    (f"{PLACE}ci.yml@refs/heads/-dash", "ci.yml", "refs/heads/-dash"),
    (f"{PLACE}ci.yml@refs/heads/größe", "ci.yml", "refs/heads/größe"),
    (f"{PLACE}ci.yml@refs/heads/a.lockx", "ci.yml", "refs/heads/a.lockx"),
    (f"{PLACE}my ci (1).yml@refs/heads/main", "my ci (1).yml", "refs/heads/main"),
    (f"{PLACE}ci.yml.yaml@refs/heads/main", "ci.yml.yaml", "refs/heads/main"),
    (f"{PLACE}..yml@refs/heads/main", "..yml", "refs/heads/main"),
    ("octo/.github/.github/workflows/ci.yml@refs/heads/main", "ci.yml", "refs/heads/main"),
    ("octo/.fullsend/.github/workflows/ci.yml@refs/heads/main", "ci.yml", "refs/heads/main"),
    ("a_enterprise/app/.github/workflows/ci.yml@refs/heads/main", "ci.yml", "refs/heads/main"),
]

MALFORMED = {
    "nothing": "",
    "no ref at all": f"{PLACE}ci.yml",
    "empty ref": f"{PLACE}ci.yml@",
    "a ref alone": "@refs/heads/main",
    "@ inside the file name": f"{PLACE}ci@evil.yml@refs/heads/main",
    "@ right after the folder": f"{PLACE}@refs/heads/main",
    "@ in the repository": "octo/app@x/.github/workflows/ci.yml@refs/heads/main",
    "nested workflow folder": f"{PLACE}nested/ci.yml@refs/heads/main",
    "nested repository": "octo/app/app/.github/workflows/ci.yml@refs/heads/main",
    "no repository": "octo/.github/workflows/ci.yml@refs/heads/main",
    "empty owner": "/app/.github/workflows/ci.yml@refs/heads/main",
    "empty repository": "octo//.github/workflows/ci.yml@refs/heads/main",
    "empty file": f"{PLACE}@refs/heads/main",
    "leading slash": f"/{PLACE}ci.yml@refs/heads/main",
    "a URL": f"https://github.com/{PLACE}ci.yml@refs/heads/main",
    "a host": f"github.com/{PLACE}ci.yml@refs/heads/main",
    "dots for a repository": "octo/../.github/workflows/ci.yml@refs/heads/main",
    "one dot for a repository": "octo/./.github/workflows/ci.yml@refs/heads/main",
    "dots for an owner": "../app/.github/workflows/ci.yml@refs/heads/main",
    "a path that goes up": f"{PLACE}../ci.yml@refs/heads/main",
    "other case of the folder": "octo/app/.GitHub/workflows/ci.yml@refs/heads/main",
    "other folder": "octo/app/.github/actions/ci.yml@refs/heads/main",
    "encoded slash": "octo%2fapp/.github/workflows/ci.yml@refs/heads/main",
    "other file type": f"{PLACE}ci.sh@refs/heads/main",
    "file type in capitals": f"{PLACE}ci.YML@refs/heads/main",
    "file type with a blank": f"{PLACE}ci.yml @refs/heads/main",
    "no file type": f"{PLACE}ci@refs/heads/main",
    "Kelvin sign in the owner": "\u212araken/app/.github/workflows/ci.yml@refs/heads/main",
    "dotless i in the owner": "m\u0131nt/app/.github/workflows/ci.yml@refs/heads/main",
    "long s in the repository": "octo/\u017fandbox/.github/workflows/ci.yml@refs/heads/main",
    "Cyrillic o in the owner": "\u043ecto/app/.github/workflows/ci.yml@refs/heads/main",
    "fullwidth slash": "octo\uff0fapp/.github/workflows/ci.yml@refs/heads/main",
    "zero-width space in the owner": "oc\u200bto/app/.github/workflows/ci.yml@refs/heads/main",
    "zero-width joiner in the file": f"{PLACE}c\u200di.yml@refs/heads/main",
    "zero-width no-break space in the ref": f"{PLACE}ci.yml@refs/heads/ma\ufeffin",
    "right-to-left override": f"{PLACE}ci.yml@refs/heads/\u202emain",
    "no-break space": f"{PLACE}ci.yml@refs/heads/ma\u00a0in",
    "line feed at the end": f"{PLACE}ci.yml@refs/heads/main\n",
    "line feed before the rest": f"evil\n{PLACE}ci.yml@refs/heads/main",
    "NUL": f"{PLACE}ci.yml@refs/heads/ma\x00in",
    "lone surrogate": f"{PLACE}ci.yml@refs/heads/\ud800",
    "branch without refs/heads": f"{PLACE}ci.yml@main",
    "capital refs": f"{PLACE}ci.yml@Refs/heads/main",
    "refs alone": f"{PLACE}ci.yml@refs/",
    "heads alone": f"{PLACE}ci.yml@refs/heads",
    "empty branch": f"{PLACE}ci.yml@refs/heads/",
    "empty tag": f"{PLACE}ci.yml@refs/tags/",
    "remote branch": f"{PLACE}ci.yml@refs/remotes/origin/main",
    "notes": f"{PLACE}ci.yml@refs/notes/x",
    "HEAD": f"{PLACE}ci.yml@HEAD",
    "pull request 0": f"{PLACE}ci.yml@refs/pull/0/merge",
    "pull request 01": f"{PLACE}ci.yml@refs/pull/01/merge",
    "pull request -1": f"{PLACE}ci.yml@refs/pull/-1/merge",
    "pull request in Arabic digits": f"{PLACE}ci.yml@refs/pull/\u0661/merge",
    "pull request without a kind": f"{PLACE}ci.yml@refs/pull/1",
    "pull request with an empty kind": f"{PLACE}ci.yml@refs/pull/1/",
    "pull request without a number": f"{PLACE}ci.yml@refs/pull/merge",
    "39 hex": f"{PLACE}ci.yml@{SHA[:-1]}",
    "41 hex": f"{PLACE}ci.yml@{SHA}0",
    "63 hex": f"{PLACE}ci.yml@{SHA256[:-1]}",
    "65 hex": f"{PLACE}ci.yml@{SHA256}0",
    "40 that are not all hex": f"{PLACE}ci.yml@{SHA[:-1]}g",
    "hex with a line feed": f"{PLACE}ci.yml@{SHA}\n",
    "hex with a blank": f"{PLACE}ci.yml@ {SHA}",
    "two dots in the ref": f"{PLACE}ci.yml@refs/heads/a..b",
    "two slashes in the ref": f"{PLACE}ci.yml@refs/heads/a//b",
    "slash first": f"{PLACE}ci.yml@refs/heads//a",
    "slash last": f"{PLACE}ci.yml@refs/heads/a/",
    "dot last": f"{PLACE}ci.yml@refs/heads/a.",
    "hidden part": f"{PLACE}ci.yml@refs/heads/.a",
    "hidden part further in": f"{PLACE}ci.yml@refs/heads/a/.b",
    "lock": f"{PLACE}ci.yml@refs/heads/a.lock",
    "lock further in": f"{PLACE}ci.yml@refs/heads/a.lock/b",
    "reflog": f"{PLACE}ci.yml@refs/heads/a@{{1}}",
    "tilde": f"{PLACE}ci.yml@refs/heads/a~1",
    "caret": f"{PLACE}ci.yml@refs/heads/a^",
    "colon": f"{PLACE}ci.yml@refs/heads/a:b",
    "question mark": f"{PLACE}ci.yml@refs/heads/a?",
    "star": f"{PLACE}ci.yml@refs/heads/*",
    "bracket": f"{PLACE}ci.yml@refs/heads/a[b",
    "backslash": f"{PLACE}ci.yml@refs/heads/a\\b",
    "blank": f"{PLACE}ci.yml@refs/heads/a b",
    "very long": f"{PLACE}ci.yml@refs/heads/{'a' * 1024}",
    "very long file": f"{PLACE}{'a' * 100_000}.yml@refs/heads/main",
}


@pytest.mark.parametrize(("text", "file", "ref"), ODD_BUT_VALID)
def test_an_odd_but_valid_reference_is_taken_apart(text: str, file: str, ref: str) -> None:
    parsed = parse_workflow_ref(text)
    assert (parsed.file, parsed.ref, str(parsed)) == (file, ref, text)


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_workflow_ref(text)


@pytest.mark.parametrize(
    "owner", ["octo-org", "Octo-Org", "OCTO-ORG"], ids=["as listed", "as on the page", "in capitals"]
)
def test_the_owner_is_the_same_in_any_case(owner: str) -> None:
    one = parse_workflow_ref(f"{owner}/app/.github/workflows/ci.yml@refs/heads/main")
    other = parse_workflow_ref("octo-org/App/.github/workflows/ci.yml@refs/heads/main")
    assert one.repo == other.repo


@pytest.mark.parametrize("owner", ["octo-org-", "octo_org", "octo-orgg", "0cto-org", "octoorg", "xocto-org"])
def test_a_look_alike_owner_is_another_owner(owner: str) -> None:
    one = parse_workflow_ref(f"{owner}/app/.github/workflows/ci.yml@refs/heads/main")
    other = parse_workflow_ref("octo-org/app/.github/workflows/ci.yml@refs/heads/main")
    assert one.repo != other.repo
