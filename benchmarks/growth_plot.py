"""Three curves over the days, drawn as SVG."""

from collections.abc import Sequence
from html import escape
from typing import Final, Protocol

WIDTH: Final = 720
HEIGHT: Final = 190
LEFT: Final = 70
RIGHT: Final = 110
TOP: Final = 34
BOTTOM: Final = 30
_COLOURS: Final = ("#1f6f8b", "#d1495b", "#66a182", "#edae49", "#6c5b7b", "#8d6a4f", "#444444")
_FEW: Final = 4
"""Lines across a panel, at most."""


class Day(Protocol):
    """What is drawn of a day."""

    @property
    def memory(self) -> int:
        """Bytes."""

    @property
    def customers(self) -> int:
        """How many have a record."""

    @property
    def keys(self) -> dict[str, int]:
        """How many by kind."""


def svg(days: Sequence[Day], customer_days: int) -> str:
    """Memory, keys by kind and bytes a customer, one below the other; a line marks when the first records lapse."""
    last = days[-1].keys
    kinds = sorted((kind for kind in last if any(day.keys[kind] for day in days)), key=lambda kind: last[kind])[-7:]
    panels = (
        ("Redis, MB above the empty server", {"": [day.memory / 1e6 for day in days]}),
        ("keys, by kind", {kind: [float(day.keys[kind]) for day in days] for kind in reversed(kinds)}),
        ("bytes for each customer with a record", {"": [day.memory / max(1, day.customers) for day in days]}),
    )
    drawn = "".join(_panel(place, *panel, customer_days) for place, panel in enumerate(panels))
    size = f'width="{WIDTH}" height="{HEIGHT * len(panels)}" viewBox="0 0 {WIDTH} {HEIGHT * len(panels)}"'
    style = 'font-family="sans-serif" font-size="11" fill="#333"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}><rect {size} fill="#fff"/>{drawn}</svg>\n'


def _panel(place: int, title: str, curves: dict[str, list[float]], customer_days: int) -> str:
    count = max(len(values) for values in curves.values())
    highest = max(max(values) for values in curves.values()) or 1.0
    step = _step(highest)
    parts = [f'<text x="{LEFT}" y="{TOP - 12}" font-weight="bold">{escape(title)}</text>']
    parts += [_level(number * step, highest) for number in range(int(highest // step) + 1)]
    parts += [_mark(day, count) for day in range(0, count + 1, min(10, count))]
    if customer_days < count:
        parts.append(_lapse(customer_days, count, "" if place else "first records lapse"))
    ends = _apart([_y(values[-1], highest) for values in curves.values()])
    for number, (name, values) in enumerate(curves.items()):
        parts.append(_curve(name, values, highest, _COLOURS[number % len(_COLOURS)], ends[number]))
    return f'<g transform="translate(0 {place * HEIGHT})">{"".join(parts)}</g>'


def _curve(name: str, values: list[float], highest: float, colour: str, end: float) -> str:
    points = " ".join(f"{_x(day, len(values)):.1f},{_y(value, highest):.1f}" for day, value in enumerate(values, 1))
    line = f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
    label = f"{name} {values[-1]:,.{1 if highest < 100 else 0}f}".strip()
    return f'{line}<text x="{WIDTH - RIGHT + 6}" y="{end + 4:.1f}" fill="{colour}">{escape(label)}</text>'


def _level(value: float, highest: float) -> str:
    y = _y(value, highest)
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4e4e4"/>'
    return f'{line}<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f}</text>'


def _mark(day: int, count: int) -> str:
    return f'<text x="{_x(day, count):.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{day}</text>'


def _lapse(day: int, count: int, said: str) -> str:
    x = _x(day, count)
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#999" stroke-dasharray="4 3"/>'
    return f'{line}<text x="{x + 4:.1f}" y="{HEIGHT - BOTTOM - 5}" fill="#777">{said}</text>'


def _apart(places: list[float]) -> list[float]:
    """The places of labels, moved so that none lies on another."""
    found = dict[int, float]()
    for number in sorted(range(len(places)), key=lambda one: places[one], reverse=True):
        found[number] = min([places[number], *(one - 12 for one in found.values())])
    return [found[number] for number in range(len(places))]


def _step(highest: float) -> float:
    step = 1.0
    while highest / step > _FEW:
        step *= 2.5 if f"{step:.0f}".startswith("2") else 2
    return step


def _x(day: float, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * day / count


def _y(value: float, highest: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / highest
