"""The inks of a picture: plain colours, their shades, and colours with the texture of a material."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from etappe.simulation.pictures import sketch

_SHADE: Final = 0.78
_FIXED: Final = {"w": "#fffdf8", "k": "#33363a", "g": "#5f8f4f", "b": "#8a5a3b"}
"""White, dark, leaf green, brown."""


class Texture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tile that is repeated; its inks are the colour (c), a shade of it (C) and white (w)."""

    width: int
    height: int
    tile: str


def inks(material: str, texture: str, variant: str) -> dict[str, str]:
    """Material m and its shade M; the variant's colour c, its shade C, and t, that colour with the texture."""
    plain = _FIXED | {"M": shade(material), "c": variant, "C": shade(variant)}
    return plain | {"m": _textured(texture, material), "t": _textured(texture, variant)}


def patterns(drawn: str, textures: Mapping[str, Texture]) -> str:
    """The definitions of all textures that `drawn` refers to."""
    used = sorted(set(re.findall(r"url\(#(\w+)-(\w{6})\)", drawn)))
    found = "".join(_pattern(name, "#" + colour, textures[name]) for name, colour in used)
    return f"<defs>{found}</defs>" if found else ""


def shade(colour: str) -> str:
    """A darker shade of "#rrggbb"."""
    parts = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{int(part * _SHADE):02x}" for part in parts)


def _textured(texture: str, colour: str) -> str:
    return f"url(#{texture}-{colour[1:]})" if texture else colour


def _pattern(name: str, colour: str, texture: Texture) -> str:
    width, height = texture.width, texture.height
    tile = sketch.svg(texture.tile, {"w": "#ffffff", "c": colour, "C": shade(colour)}, {})
    return (
        f'<pattern id="{name}-{colour[1:]}" width="{width}" height="{height}" patternUnits="userSpaceOnUse">'
        f'<rect width="{width}" height="{height}" fill="{colour}"/>{tile}</pattern>'
    )
