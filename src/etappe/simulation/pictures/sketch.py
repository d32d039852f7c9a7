"""The notation of shapes: one line of a sketch is one element of an SVG.

`m M150 90h100v40z` fills a path with ink m, `m/8 M150 90v60` strokes it 8 wide, `m%30 ...` paints it at 30 %.
`o x y rx [ry]` is an ellipse, `r x y width height [radius]` a rectangle. `@sack 200 330 0.8` puts in a part, moved and
scaled. An ink is a letter or "#rrggbb".
"""

import re
from collections.abc import Mapping
from typing import Final

_LINE: Final = re.compile(r"(?P<ink>[A-Za-z]|#[0-9a-f]{6})(?:/(?P<width>[\d.]+))?(?:%(?P<percent>\d+))? (?P<form>.+)")
_ELLIPSE: Final = ("cx", "cy", "rx", "ry")
_RECTANGLE: Final = ("x", "y", "width", "height", "rx")


def svg(sketch: str, inks: Mapping[str, str], parts: Mapping[str, str]) -> str:
    """The elements of a sketch.

    Raises:
        ValueError: a line is not in the notation.
        KeyError: a line names an ink or a part that is not given.
    """
    lines = (line.strip() for line in sketch.splitlines())
    return "".join(_part(line, inks, parts) if line[0] == "@" else _element(line, inks) for line in lines if line)


def _part(line: str, inks: Mapping[str, str], parts: Mapping[str, str]) -> str:
    name, *place = line[1:].split()
    drawn = svg(parts[name], inks, parts)
    if not place or not drawn:
        return drawn
    x, y, *scale = place
    scaled = f" scale({scale[0]})" if scale else ""
    return f'<g transform="translate({x} {y}){scaled}">{drawn}</g>'


def _element(line: str, inks: Mapping[str, str]) -> str:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"not a line of a sketch: {line!r}")
    ink = found["ink"] if found["ink"][0] == "#" else inks[found["ink"]]
    return f"<{_form(found['form'])} {_paint(ink, found['width'], found['percent'])}/>"


def _paint(ink: str, width: str | None, percent: str | None) -> str:
    """A stroke, or a fill; what shines through has no outline."""
    opacity = f' opacity="{int(percent) / 100:g}"' if percent else ""
    if width:
        return f'fill="none" stroke="{ink}" stroke-width="{width}"{opacity}'
    return f'fill="{ink}"' + (f' stroke="none"{opacity}' if percent else "")


def _form(form: str) -> str:
    kind, *numbers = form.split()
    if kind == "o":
        return "ellipse " + _attributes(_ELLIPSE, [*numbers, numbers[-1]][:4])
    if kind == "r":
        return "rect " + _attributes(_RECTANGLE, numbers)
    return f'path d="{form}"'


def _attributes(names: tuple[str, ...], values: list[str]) -> str:
    return " ".join(f'{name}="{value}"' for name, value in zip(names, values, strict=False))
