"""Split the mint's problems with its settings into what is wrong and the form that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXAMPLE = "; for example "


def explained(problems: Iterable[str]) -> tuple[str, str]:
    """Return the problems, a line each, and the remedy: a valid value of each variable.

    `problems` are those of a `ConfigurationError`; most end with an example.
    """
    said: list[str] = []
    forms: list[str] = []
    for problem in problems:
        sentence, _, form = problem.rpartition(_EXAMPLE)
        said.append(sentence or problem)
        if sentence:
            forms.append(form)
    described = "docs/configuration.md describes each variable."
    remedy = "\n".join(["Set valid values, for example:", *dict.fromkeys(forms), described]) if forms else described
    return "\n  ".join(said), remedy
