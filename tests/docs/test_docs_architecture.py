"""docs/architecture.md names packages that exist, and its table of caches has the code's own numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mintcore.github import client, grant_variables, host_commits, installation_cache, installed_accounts
from mintcore.keys import app_jwt, secret_manager
from mintcore.verify import jwks

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DOCUMENTS = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]
CACHES = {
    cells[0]: cells
    for line in PAGE.partition("## What is cached")[2].partition("Never cached")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| cache")
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}


def test_every_package_that_is_listed_exists_and_every_one_is_listed() -> None:
    listed = set(re.findall(r"`((?:mintcore|fullsend|sandbox)/[\w/]*(?:\.py)?|main\.py)`", PAGE))
    assert not [path for path in listed if not (ROOT / path).exists()]
    packages = {f"mintcore/{path.parent.name}/" for path in ROOT.glob("mintcore/*/__init__.py")}
    modules = {f"mintcore/{path.name}" for path in ROOT.glob("mintcore/*.py")} - {"mintcore/__init__.py"}
    assert not (packages | modules) - listed


def test_every_cache_is_in_the_table() -> None:
    sources = [path.read_text(encoding="utf-8") for path in ROOT.glob("mintcore/**/*.py")]
    named = {
        name
        for source in sources
        for name in re.findall(r'(?:ExpiringCache|BoundedLookups)\[[^\n]*\]\(\s*"(\w+)"', source)
    }
    assert named == {re.findall(r"`(\w+)`", cache)[0] for cache in CACHES if "`" in cache}


@pytest.mark.parametrize(
    ("cache", "fresh", "stale"),
    [
        ("`jwks`", [jwks.FRESH_SECONDS, jwks.UNKNOWN_KEY_SECONDS], jwks.STALE_SECONDS),
        ("`signer` (hosted)", [secret_manager.FRESH_SECONDS], secret_manager.STALE_SECONDS),
        ("`app_jwt`", [app_jwt.RENEWED_SECONDS, app_jwt.LIFETIME_SECONDS], app_jwt.LIFETIME_SECONDS - 60),
        ("`install_page`", [client.INSTALL_PAGE_SECONDS, client.NO_INSTALL_PAGE_SECONDS], 0),
        (
            "`installation`",
            [
                installation_cache.INSTALLED_SECONDS,
                installation_cache.NAME_ONLY_SECONDS,
                installation_cache.NOT_INSTALLED_SECONDS,
            ],
            0,
        ),
        ("`installed_accounts`", [installed_accounts.LISTED_SECONDS], 0),
        ("`grant`", [grant_variables.GRANT_SECONDS], 0),
        ("`commit`", [host_commits.NOT_CONTAINED_SECONDS], 0),
    ],
)
def test_a_cache_serves_as_long_as_the_table_says(cache: str, fresh: list[float], stale: float) -> None:
    _, _, serves, while_failing, _ = CACHES[cache]
    assert [float(seconds) for seconds in re.findall(r"(\d+) s\b", serves)] == fresh
    assert while_failing == f"{stale:.0f} s"


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert not [
        f"{file}#{anchor}" for file, anchor in links if anchor not in anchors(page.parent / file if file else page)
    ]


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_of_ours_that_a_page_names_exists(page: Path) -> None:
    folders = r"mintcore|fullsend|sandbox|tests|docs|deploy|scripts|bench|\.github|\.ci"
    named = re.findall(rf"`((?:{folders})/[\w./-]+)", page.read_text(encoding="utf-8"))
    made_by_the_operator = {"deploy/env.yaml", ".github/workflows/mint-test.yml"}
    assert not [path for path in named if path not in made_by_the_operator and not (ROOT / path).exists()]


def test_decision_records_are_numbered_once() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs" / "adr").glob("*.md")]
    assert len(numbers) == len(set(numbers))
    for path in (ROOT / "docs" / "adr").glob("*.md"):
        assert path.read_text(encoding="utf-8").startswith(f"# {int(path.name[:4])}. "), path.name
