"""Charts as SVG, without a library: what is drawn is the same on each machine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

IMAGES = Path(__file__).parent.parent / "docs/images"
COLOURS = ("#0b6e4f", "#c1121f", "#1d4ed8", "#b45309", "#7c3aed", "#475569", "#0891b2", "#be185d")
DASHES = ("", "6 3", "2 3", "8 3 2 3")
LEFT, TOP, WIDTH, HEIGHT, LEGEND = 60, 50, 420, 260, 250


def bars(name: str, title: str, values: Mapping[str, Sequence[float]], kinds: list[str]) -> None:
    """Write a chart with a bar for each kind of each row."""
    largest = max(max(row) for row in values.values())
    step = 16 * len(kinds) + 12
    parts = []
    for row, (label, figures) in enumerate(values.items()):
        y = TOP + row * step
        middle = y + 8 * len(kinds) + 4
        parts.append(_text(230, middle, label, anchor="end"))
        for kind, figure in enumerate(figures):
            width = figure / largest * 380
            top = y + kind * 16
            parts.append(
                f'<rect x="240" y="{top}" width="{width:.1f}" height="14" fill="{COLOURS[kind]}"/>'
            )
            parts.append(_text(246 + width, top + 11, f"{figure:.0f} {kinds[kind]}"))
    _write(name, title, 780, TOP + len(values) * step + 10, parts)


def lines(
    name: str, title: str, xlabel: str, xs: list[int], series: Mapping[str, list[float]]
) -> None:
    """Write a chart of milliseconds, both axes logarithmic; 0 stands before the first step."""
    lowest = min(map(min, series.values())) * 0.9
    highest = max(map(max, series.values())) * 1.1
    places = [math.log10(x) if x else math.log10(xs[1]) - 1 for x in xs]

    def across(place: float) -> float:
        return LEFT + (place - places[0]) / (places[-1] - places[0]) * WIDTH

    def down(value: float) -> float:
        return TOP + HEIGHT * (1 - math.log(value / lowest) / math.log(highest / lowest))

    parts = []
    for x, place in zip(xs, places, strict=True):
        parts.append(_line(across(place), TOP, across(place), TOP + HEIGHT))
        parts.append(_text(across(place), TOP + HEIGHT + 18, f"{x:,}", anchor="middle"))
    for power in range(-1, 5):
        for value in (10.0**power * factor for factor in (1, 2, 5)):
            if lowest <= value <= highest:
                parts.append(_line(LEFT, down(value), LEFT + WIDTH, down(value)))
                parts.append(_text(LEFT - 8, down(value) + 4, f"{value:g}", anchor="end"))
    parts.append(_text(LEFT + WIDTH / 2, TOP + HEIGHT + 40, xlabel, anchor="middle"))
    for number, (label, values) in enumerate(series.items()):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        style = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}" fill="none"'
        pairs = zip(places, values, strict=True)
        points = " ".join(f"{across(place):.1f},{down(value):.1f}" for place, value in pairs)
        parts.append(f'<polyline points="{points}" {style}/>')
        y = TOP + 10 + number * 20
        start = LEFT + WIDTH + 20
        parts.append(f'<polyline points="{start},{y} {start + 28},{y}" {style}/>')
        parts.append(_text(start + 36, y + 4, label))
    _write(name, title, LEFT + WIDTH + LEGEND, TOP + HEIGHT + 55, parts)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _write(name: str, title: str, width: int, height: int, parts: list[str]) -> None:
    IMAGES.mkdir(exist_ok=True)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' role="img" font-family="sans-serif" font-size="12"><title>{escape(title)}</title>'
        '<rect width="100%" height="100%" fill="#fff"/>'
    )
    heading = f'<text x="14" y="26" font-size="15" font-weight="bold">{escape(title)}</text>'
    text = "\n".join([head, heading, *parts, "</svg>", ""])
    (IMAGES / f"{name}.svg").write_text(text)
