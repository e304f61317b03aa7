"""The tree of errors is consistent for a client that looks only at the status."""

from __future__ import annotations

import pytest

from mintcore.errors import MintError, TransientError

RETRIED = {429, 502, 503, 504}


def leaves(kind: type[MintError] = MintError) -> list[type[MintError]]:
    own = [kind] if hasattr(kind, "code") else []
    return own + [leaf for child in kind.__subclasses__() for leaf in leaves(child)]


@pytest.mark.parametrize("kind", leaves(), ids=lambda kind: kind.__name__)
def test_the_status_says_whether_the_same_request_may_succeed_later(kind: type[MintError]) -> None:
    assert issubclass(kind, TransientError) is (kind.status in RETRIED)
    assert kind.sentence.endswith(".")
