"""The operator's page and the alerts use existing names, in Google's spelling."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import click
import googleapiclient.discovery_cache
import pytest

from fullsend.cli.inference import inference
from fullsend.cli.mint import mint
from mintcore import errors

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
METRICS = sorted((ROOT / "deploy/alerts/metrics").glob("*.json"))
POLICIES = sorted((ROOT / "deploy/alerts/policies").glob("*.json"))


def schemas(api: str) -> dict[str, Any]:
    folder = Path(googleapiclient.discovery_cache.__file__).parent / "documents"
    document: dict[str, Any] = json.loads((folder / f"{api}.json").read_bytes())
    found: dict[str, Any] = document["schemas"]
    return found


def unknown_fields(value: Any, name: str, known: dict[str, Any], at: str = "") -> list[str]:
    """Return the paths of fields, and values of enumerations, that Google's schema does not have."""
    if isinstance(value, list):
        return [path for one in value for path in unknown_fields(one, name, known, at)]
    if not isinstance(value, dict):
        return []
    wrong = []
    for key, inner in value.items():
        described = known[name]["properties"].get(key)
        if described is None:
            wrong.append(f"{at}.{key}")
            continue
        item = described.get("items", described)
        if "enum" in item and inner not in item["enum"]:
            wrong.append(f"{at}.{key}={inner}")
        if "$ref" in item:
            wrong += unknown_fields(inner, item["$ref"], known, f"{at}.{key}")
    return wrong


@pytest.mark.parametrize("path", METRICS, ids=lambda path: path.stem)
def test_a_metric_is_one_that_cloud_logging_takes_and_counts_codes_that_exist(path: Path) -> None:
    metric = json.loads(path.read_text())
    assert unknown_fields(metric, "LogMetric", schemas("logging.v2")) == []
    assert metric["name"] == path.stem
    codes = {kind.code for kind in every(errors.MintError) if hasattr(kind, "code")}
    assert set(re.findall(r'"([a-z_]*_(?:unavailable|missing|key|limited))"', metric["filter"])) <= codes


def every(kind: type[errors.MintError]) -> list[type[errors.MintError]]:
    return [kind, *(below for one in kind.__subclasses__() for below in every(one))]


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_policy_is_one_that_monitoring_takes_with_its_metric_and_its_runbook(path: Path) -> None:
    policy = json.loads(path.read_text())
    assert unknown_fields(policy, "AlertPolicy", schemas("monitoring.v3")) == []
    threshold = policy["conditions"][0]["conditionThreshold"]
    assert f'"logging.googleapis.com/user/{path.stem}"' in threshold["filter"]
    assert path.stem in {metric.stem for metric in METRICS}
    heading = re.search(r'docs/operate\.md, "([^"]+)"', policy["documentation"]["content"])
    assert heading is not None
    assert f"\n### {heading[1]}\n" in PAGE


@pytest.mark.parametrize("group", [mint, inference], ids=["mint", "inference"])
def test_every_command_on_the_page_exists_with_its_options(group: click.Group) -> None:
    context = click.Context(group)
    text = PAGE.replace("\\\n", " ")
    for name, rest in re.findall(rf"fullsend {group.name} ([a-z-]+)([^`\n]*)", text):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            command = command.get_command(context, rest.split()[0])
        assert command is not None, name
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, name


@pytest.mark.parametrize(("succeeds_at", "calls", "waits"), [(999, 12, 11), (3, len(POLICIES) + 2, 2), (1, 5, 0)])
def test_the_loop_that_creates_the_policies_waits_for_a_metric_and_ends(
    tmp_path: Path, succeeds_at: int, calls: int, waits: int
) -> None:
    """Run the page's loop; a gcloud that always fails must not make it endless."""
    block = next(text for text in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "policies create" in text)
    counter = f"echo >>{tmp_path}/$(basename $0).calls"
    for name, rest in (("gcloud", f"[ $(wc -l <{tmp_path}/gcloud.calls) -ge {succeeds_at} ]"), ("sleep", "true")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{counter}\n{rest}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", block],
        cwd=ROOT,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "GOOGLE_CLOUD_PROJECT": "my-project"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    made = {name: tmp_path / f"{name}.calls" for name in ("gcloud", "sleep")}
    assert [len(one.read_text()) if one.exists() else 0 for one in made.values()] == [calls, waits]
    assert ("Not created: deploy/alerts/policies/" in done.stderr) == (succeeds_at > calls)
