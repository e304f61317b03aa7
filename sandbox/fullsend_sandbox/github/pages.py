"""Split lists: `per_page`, `page` and the `Link` header (GitHub REST: "Using pagination in the REST API")."""

from collections.abc import Sequence
from typing import TypeVar

from werkzeug.wrappers import Request

Item = TypeVar("Item")

DEFAULT_SIZE = 30
MAX_SIZE = 100


def page_of(
    request: Request,
    items: Sequence[Item],
    url: str,
    *,
    default: int = DEFAULT_SIZE,
    largest: int = MAX_SIZE,
) -> tuple[list[Item], dict[str, str]]:
    """Return the requested page and its headers; an invalid number counts as the default."""
    size = min(_number(request.args.get("per_page"), default), largest)
    number = _number(request.args.get("page"), 1)
    last = max(1, -(-len(items) // size))
    links = {"prev": min(number - 1, last), "next": number + 1, "last": last, "first": 1}
    shown = {
        name: target
        for name, target in links.items()
        if (name in ("prev", "first") and number > 1) or (name in ("next", "last") and number < last)
    }
    header = ", ".join(f'<{url}?per_page={size}&page={at}>; rel="{name}"' for name, at in shown.items())
    start = (number - 1) * size
    return list(items[start : start + size]), {"Link": header} if header else {}


def _number(text: str | None, default: int) -> int:
    if text is None or not (text.isascii() and text.isdigit()):
        return default
    return int(text[:9]) or default
