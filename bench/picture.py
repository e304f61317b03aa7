"""Draw the throughput table as SVG text: two rows of small bar charts, readable on light and dark pages."""

from __future__ import annotations

from typing import Any

_WIDTH, _HEIGHT = 840, 490
_PANEL_WIDTH, _PANEL_HEIGHT = 250, 150
_LEFT, _TOP = 24, 70
_GAP_X, _GAP_Y = 24, 66
_BAR = 30
_FONT = 'font-family="system-ui, sans-serif" font-size="12"'
_OURS, _THEIRS, _TEXT, _LINE = "#2f8f83", "#a3a8b0", "#7b828c", "#8a919b"
_FIGURES = (
    ("mints per second", "per_second"),
    ("median latency in ms", "p50_ms"),
)


def picture(rows: list[dict[str, Any]]) -> str:
    """Return the SVG for the rows of the throughput pass."""
    latencies = sorted({row["latency_ms"] for row in rows})
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" {_FONT}>',
        "<title>Mints per second and median latency, the mint beside the five-call baseline</title>",
        f'<rect x="{_LEFT}" y="12" width="12" height="12" fill="{_OURS}"/>' + _text(_LEFT + 18, 22, "this mint"),
        f'<rect x="{_LEFT + 100}" y="12" width="12" height="12" fill="{_THEIRS}"/>'
        + _text(_LEFT + 118, 22, "baseline: five calls in a row, nothing kept"),
    ]
    for line, (title, key) in enumerate(_FIGURES):
        for column, latency in enumerate(latencies):
            x = _LEFT + column * (_PANEL_WIDTH + _GAP_X)
            y = _TOP + line * (_PANEL_HEIGHT + _GAP_Y)
            parts.append(_text(x, y - 18, f"{title}, {latency} ms upstream"))
            parts += _panel(x, y, [row for row in rows if row["latency_ms"] == latency], key)
    hint = "Of mints per second more is better, of latency less."
    return "\n".join([*parts, _text(_LEFT, _HEIGHT - 10, hint), "</svg>\n"])


def _panel(x: float, y: float, rows: list[dict[str, Any]], key: str) -> list[str]:
    most = max(row[name][key] for row in rows for name in ("mint", "baseline"))
    base = y + _PANEL_HEIGHT
    parts = [f'<line x1="{x}" y1="{base}" x2="{x + _PANEL_WIDTH}" y2="{base}" stroke="{_LINE}"/>']
    step = _PANEL_WIDTH / len(rows)
    for number, row in enumerate(rows):
        middle = x + (number + 0.5) * step
        for name, left, color in (("mint", middle - _BAR - 1, _OURS), ("baseline", middle + 1, _THEIRS)):
            value = row[name][key]
            height = max(1.0, (_PANEL_HEIGHT - 14) * value / most)
            box = f'x="{left:.1f}" y="{base - height:.1f}" width="{_BAR}" height="{height:.1f}"'
            parts.append(f'<rect {box} fill="{color}"/>')
            parts.append(_text(left + _BAR / 2, base - height - 3, _short(value), middle=True))
        clients = row["clients"]
        label = f"{clients} client" + ("s" if clients > 1 else "")
        parts.append(_text(middle, base + 16, label, middle=True))
    return parts


def _text(x: float, y: float, words: str, *, middle: bool = False) -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{_TEXT}"{anchor}>{words}</text>'


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"  # noqa: PLR2004 - one digit is enough above ten
