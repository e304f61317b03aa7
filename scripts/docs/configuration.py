"""Write docs/configuration.md from the mint's table of variables; with --check, tell whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from mintcore.settings.variables import GROUPS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"

HEAD = """# Configuration

<!-- Written by `make docs` from mintcore/settings/trust_variables.py and service_variables.py. Change it there. -->

Environment variables configure the mint, which reads them once at start:

- A missing or wrong value stops the start. Each problem is one line with the variable and an example. A list of
  commas only and an empty JSON object are problems too.
- A doubtful value is a warning in the log. So is a variable whose name is one letter away from one in these tables.
- A blank value counts as unset.
- URLs must be `https`; `http` works only on loopback.
- Switches accept only `0` or `1`.

`fullsend mint explain --env-file FILE` reads the same variables from a file and explains what they decide. `●` is
required, `○` optional, `-` not read.
"""

TAIL = """
The OpenTelemetry SDK itself reads the other standard `OTEL_*` variables (service name, headers, sampler, intervals)
when a variable above turns telemetry on. Install the extra `telemetry` first (in a clone
`pip install '.[telemetry]'`); for a hosted mint, add the packages to `requirements.txt`. Spans cover requests and
their steps; [metrics.md](metrics.md) lists the metrics.
"""


def page() -> str:
    """Return docs/configuration.md."""
    parts = [HEAD]
    for title, variables in GROUPS.items():
        parts += [
            f"\n## {title}\n",
            "| variable | hosted | standalone | value | meaning |",
            "|---|---|---|---|---|",
        ]
        parts += [
            f"| `{row.name}` | {row.hosted.value} | {row.standalone.value} | {row.form} | {row.meaning} |"
            for row in variables
        ]
    return "\n".join(parts) + "\n" + TAIL


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/configuration.md is out of date. Fix: make docs")
