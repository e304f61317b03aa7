"""Check files against GitHub's schemas of workflows, actions and issue forms, which check-jsonschema contains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def problems(kind: str, paths: Iterable[Path]) -> str:
    """Return the problems that check-jsonschema finds in files of this kind, such as `workflows`."""
    # Every worker imports this module, and jsonschema takes two seconds.
    from check_jsonschema import main  # noqa: PLC0415

    done = CliRunner().invoke(main, ["--builtin-schema", f"vendor.github-{kind}", *map(str, paths)])
    return "" if done.exit_code == 0 else done.output or repr(done.exception)
