"""Draws a look: the shape of its kind, in the colours of its trait and option, before the backdrop of its style."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final, TypeVar

import msgspec

from etappe.errors import InputError
from etappe.simulation.pictures import inks, sketch
from etappe.simulation.pictures.look import Look

_FLOOR: Final = 330
_OUTLINE: Final = 'stroke="rgba(0,0,0,.16)" stroke-width="2.5" stroke-linejoin="round" stroke-linecap="round"'
"""Of what has no line of its own, so that light things stand out from a light backdrop."""
_Value = TypeVar("_Value")


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the files."""


class _Trait(msgspec.Struct, frozen=True, array_like=True):
    colour: str
    texture: str = ""
    sign: str = ""


class _Style(_Data, frozen=True):
    inks: dict[str, str]
    backdrop: str


class _Sizes(_Data, frozen=True):
    categories: tuple[str, ...]
    scales: dict[str, float]


class _Colours(_Data, frozen=True):
    traits: dict[str, _Trait]
    options: dict[str, str]
    sizes: tuple[_Sizes, ...]
    textures: dict[str, inks.Texture]
    styles: dict[str, _Style]


class _Parts(_Data, frozen=True):
    hanging: frozenset[str]
    behind: dict[str, str]
    parts: dict[str, str]


def draw(look: Look) -> str:
    """The picture: a standalone SVG of 400 by 400, the same for the same look.

    Raises:
        InputError: a word of the look has no shape or colour; names the word and the file that lacks it.
    """
    colours = _colours()
    department = look.category.partition("/")[0]
    kinds = _known(_shapes(), look.category, "shapes")
    shape = _known(kinds, look.kind, f"shapes/{department}.toml")
    trait = _known(colours.traits, look.trait, "colours.toml")
    style = _known(colours.styles, look.style, "colours.toml")
    scales = next((sizes.scales for sizes in colours.sizes if look.category in sizes.categories), None)
    size = 1.0 if scales is None else _known(scales, look.option, "colours.toml")
    variant = style.inks["a"] if scales else _known(colours.options, look.option, "colours.toml")
    paints = inks.inks(trait.colour, trait.texture, variant)
    parts = _parts().parts | {"trait": f"@{trait.sign}" if trait.sign else ""}
    drawn = _scaled(sketch.svg(_beneath(look) + shape, paints, parts), size)
    return _framed(sketch.svg(style.backdrop, style.inks, {}) + f"<g {_OUTLINE}>{drawn}</g>", colours)


def _beneath(look: Look) -> str:
    """What is drawn before the shape: its shadow, and the rest of a set."""
    parts = _parts()
    shadow = "" if look.kind in parts.hanging else "@shadow 200 334\n"
    return shadow + parts.behind.get(look.option, "")


def _framed(drawn: str, colours: _Colours) -> str:
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400">'
    return f"{head}{inks.patterns(drawn, colours.textures)}{drawn}</svg>"


def _known(table: Mapping[str, _Value], word: str, file: str) -> _Value:
    if word not in table:
        raise InputError(f"no picture for {word!r}; give it one in simulation/pictures/{file}", field=word)
    return table[word]


def _scaled(shape: str, size: float) -> str:
    """The shape drawn larger or smaller, standing where it stood."""
    if size == 1:
        return shape
    moved = f"translate({200 * (1 - size):.4g} {_FLOOR * (1 - size):.4g}) scale({size:g})"
    return f'<g transform="{moved}">{shape}</g>'


@cache
def _shapes() -> dict[str, dict[str, str]]:
    """The sketch of each kind, by category."""
    folder = resources.files(__package__).joinpath("shapes")
    files = sorted(file.name for file in folder.iterdir() if file.name != "parts.toml")
    tables = {name.removesuffix(".toml"): _table(f"shapes/{name}") for name in files}
    return {
        f"{department}/{category}": kinds for department, table in tables.items() for category, kinds in table.items()
    }


@cache
def _parts() -> _Parts:
    return msgspec.convert(_table("shapes/parts.toml"), _Parts)


@cache
def _colours() -> _Colours:
    return msgspec.convert(_table("colours.toml"), _Colours)


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))
