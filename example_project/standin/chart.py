"""Fictitious sales, and the bar chart that shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

REGIONS = ("north", "south", "east", "west")
COLOURS = dict(zip(REGIONS, ("#509ee3", "#88bf4d", "#a989c5", "#f2a86f"), strict=True))
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WIDTH, HEIGHT, LEFT, BAR, STEP = 720, 240, 46, 34, 55


@dataclass(frozen=True)
class Row:
    """A row of the fictitious table `sales`. `revenue` is in thousands of dollars."""

    region: str
    month: str
    revenue: int


@dataclass(frozen=True)
class Bar:
    """A bar of the chart."""

    x: int
    y: int
    height: int
    colour: str
    label: str


@dataclass(frozen=True)
class Chart:
    """The bars of a chart, and the labels around them."""

    rows: list[Row]
    bars: list[Bar]
    lines: list[tuple[int, int]]  # height, and the revenue at this height
    months: list[tuple[int, str]]
    totals: list[tuple[str, str, int, int]]  # region, colour, revenue, per cent

    @property
    def revenue(self) -> int:
        return sum(row.revenue for row in self.rows)

    @property
    def total(self) -> str:
        return f"${self.revenue:,}k"


SALES = [
    Row(region, month, 18 + 7 * index + (index * 5 + 1) * number % 13 + (3 - index) * number // 2)
    for index, region in enumerate(REGIONS)
    for number, month in enumerate(MONTHS)
]


def chart_for(region: str | None) -> Chart:
    """Return the chart of the rows that a user may see: row-level security by `region`.

    Without the attribute, these are all rows. Values are compared exactly.
    """
    return chart_of(None if region is None else {region})


def chart_of(regions: Collection[str] | None) -> Chart:
    """Return the chart of the rows of these regions, or of all rows for None."""
    rows = [row for row in SALES if regions is None or row.region in regions]
    top = _round_up(max((_sum(rows, month) for month in MONTHS), default=0))
    revenue = sum(row.revenue for row in rows)
    totals = [
        (name, colour, total, round(100 * total / revenue))
        for name, colour in COLOURS.items()
        if (total := sum(row.revenue for row in rows if row.region == name))
    ]
    return Chart(
        rows=rows,
        bars=list(_bars(rows, top)),
        lines=[(HEIGHT - HEIGHT * part // 4, top * part // 4) for part in range(5)],
        months=[(LEFT + 12 + STEP * i + BAR // 2, month) for i, month in enumerate(MONTHS)],
        totals=totals,
    )


def _sum(rows: Iterable[Row], month: str) -> int:
    return sum(row.revenue for row in rows if row.month == month)


def _round_up(value: int) -> int:
    """Round up to a multiple of 40, so that the labels of the four lines are round numbers."""
    return max(-(-value // 40), 1) * 40


def _bars(rows: list[Row], top: int) -> Iterable[Bar]:
    """Return the bars, with the regions of each month stacked."""
    for number, month in enumerate(MONTHS):
        floor = HEIGHT
        for row in rows:
            if row.month == month:
                height = row.revenue * HEIGHT // top
                floor -= height
                label = f"{row.region.title()}, {month}: ${row.revenue}k"
                yield Bar(LEFT + 12 + STEP * number, floor, height, COLOURS[row.region], label)
