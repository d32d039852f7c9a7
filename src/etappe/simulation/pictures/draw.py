"""Draws a look: the shape of its kind, in the colours of its trait and option, before the backdrop of its style."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Final, TypeVar

import msgspec

from etappe.errors import InputError
from etappe.simulation.pictures.look import Look

_SHADE: Final = 0.78
_FLOOR: Final = 330
_OUTLINE: Final = 'stroke="rgba(0,0,0,.16)" stroke-width="2.5" stroke-linejoin="round"'
"""Of what has no line of its own, so that light things stand out from a light backdrop."""
_FIXED: Final = {"w": "#fffdf8", "k": "#33363a", "g": "#5f8f4f"}
_PART: Final = re.compile(r"@(\w+)")
_BACKDROPS: Final = {
    "modern": '<circle cx="200" cy="190" r="156" fill="{o}"/>',
    "classic": '<path d="M64 400v-210a136 136 0 0 1 272 0v210z" fill="{o}"/>',
    "natural": '<path d="M46 210q-6-150 140-166q160-6 170 140q6 160-150 172q-150 2-160-146z" fill="{o}"/>',
    "colourful": '<g fill="{o}"><circle cx="70" cy="80" r="46"/><circle cx="330" cy="70" r="30"/>'
    '<path d="M300 140l60 20l-44 46zM30 230l50-24l4 56z"/><circle cx="336" cy="270" r="44"/>'
    '<circle cx="60" cy="330" r="26"/></g>',
}
_Value = TypeVar("_Value")


class _Shapes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    parts: dict[str, str]
    kinds: dict[str, str]


class _Colours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    traits: dict[str, str]
    options: dict[str, str]
    sizes: dict[str, float]
    styles: dict[str, tuple[str, str, str]]


def draw(look: Look) -> str:
    """The picture: a standalone SVG of 400 by 400, the same for the same look.

    Raises:
        InputError: a word of the look has no shape or colour; names the word and the file that lacks it.
    """
    shapes, colours = _shapes(), _colours()
    shape = _PART.sub(lambda part: shapes.parts[part[1]], _known(shapes.kinds, look.kind, "shapes.toml"))
    backdrop, ornament, accent = _known(colours.styles, look.style, "colours.toml")
    material = _known(colours.traits, look.trait, "colours.toml")
    size = colours.sizes.get(look.option)
    variant = accent if size is not None else _known(colours.options, look.option, "colours.toml")
    inks = _FIXED | {"m": material, "M": _shaded(material), "c": variant, "C": _shaded(variant)}
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400">'
        f'<rect width="400" height="400" fill="{backdrop}"/>{_BACKDROPS[look.style].replace("{o}", ornament)}'
        f'<ellipse cx="200" cy="{_FLOOR + 4}" rx="140" ry="13" fill="#000" opacity=".1"/>'
        f"{_scaled(_inked(shape, inks), size or 1.0)}</svg>"
    )


def _known(table: dict[str, _Value], word: str, file: str) -> _Value:
    if word not in table:
        raise InputError(f"no picture for {word!r}; give it one in simulation/pictures/{file}", field=word)
    return table[word]


def _scaled(shape: str, size: float) -> str:
    """The shape drawn larger or smaller, standing where it stood."""
    moved = f' transform="translate({200 * (1 - size):.4g} {_FLOOR * (1 - size):.4g}) scale({size:g})"'
    return f"<g {_OUTLINE}{moved if size != 1.0 else ''}>{shape}</g>"


def _inked(shape: str, inks: dict[str, str]) -> str:
    return re.sub(r"\{(\w)\}", lambda place: inks[place[1]], shape)


def _shaded(colour: str) -> str:
    """A darker shade of "#rrggbb"."""
    parts = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{int(part * _SHADE):02x}" for part in parts)


@cache
def _shapes() -> _Shapes:
    return msgspec.convert(tomllib.loads(_text("shapes.toml")), _Shapes)


@cache
def _colours() -> _Colours:
    return msgspec.convert(tomllib.loads(_text("colours.toml")), _Colours)


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
