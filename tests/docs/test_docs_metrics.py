"""docs/metrics.md, the alert rules and the dashboard name what the mint really exports."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from mintcore.errors.table import TABLE
from mintcore.observe.instruments import INSTRUMENTS
from mintcore.observe.metrics import Metrics
from mintcore.request import AnswerRecord
from tests.mint_doubles import FakeClock, new_attempt

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((PROMETHEUS / "dashboard.json").read_text())
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]
PROMTOOL = shutil.which("promtool")


def exported_families() -> list[Metric]:
    """Return the metrics of a mint that has answered once."""
    metrics, context = Metrics(), new_attempt(FakeClock())
    context.step_ms |= {"issue": 30.0}
    context.upstream_calls |= {"github": 1}
    context.cache_hits |= {"jwks": True}
    context.github_quota |= {"remaining": 4870}
    metrics.answered(AnswerRecord(route="/v1/token", status=200, code="", traceparent="", context=context))
    return list(text_string_to_metric_families(metrics.text()))


def exported() -> dict[str, set[str]]:
    """Return each sample name, with its labels."""
    return {sample.name: set(sample.labels) for family in exported_families() for sample in family.samples}


def test_the_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/docs/metrics.py", "--check"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_instrument_is_exported_under_the_name_that_the_list_says() -> None:
    names = exported()
    for one in INSTRUMENTS:
        name = f"{one.prometheus}_count" if one.is_histogram else one.prometheus
        assert names[name] == set(one.labels)


def test_the_page_says_of_what_kind_each_metric_is() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| `(fullsend_mint_\w+)` \| [^|]+ \| (\w+)", page, re.MULTILINE))
    assert shown == {
        family.name + ("_total" if family.type == "counter" else ""): family.type for family in exported_families()
    }


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_name_and_label_of_an_alert_or_panel_is_exported(expression: str) -> None:
    names = exported()
    used = re.findall(r"\b(fullsend_mint_\w+)(?:\{([^}]*)\})?", expression)
    assert used
    for name, matchers in used:
        assert set(re.findall(r"(\w+)\s*(?:=~|!=|=)", matchers)) <= names[name]
    for grouping in re.findall(r"by \(([^)]*)\)", expression):
        assert set(grouping.split(", ")) <= set().union(*names.values())


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_value_that_an_alert_or_panel_looks_for_can_come(expression: str) -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "mintcore").rglob("*.py")]
    steps = {step for source in sources for step in re.findall(r'context\.step\("(\w+)"\)', source)}
    known = {"code": {"", *TABLE}, "route": {"/v1/token"}, "step": steps, "hit": {"yes", "no"}}
    for label, values in re.findall(r'(\w+)\s*=~?\s*"([^"]*)"', expression):
        assert label == "status" or set(values.split("|")) <= known[label]


def test_every_alert_has_a_summary_and_a_severity() -> None:
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in RULES)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize("arguments", [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]])
def test_promtool_accepts_the_rules_and_they_fire_when_they_should(arguments: list[str]) -> None:
    done = subprocess.run(
        [str(PROMTOOL), *arguments], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_audit_page_names_every_step_that_is_measured() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("mintcore/**/*.py"))
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    table = page.partition("### Steps\n")[2].partition("\n### ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(re.findall(r'\.step\("(\w+)"\)', code))
