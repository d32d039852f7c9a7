"""Pictures: every item of the assortment has one of its own, well-formed, inside its frame, and the same each time."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from xml.etree import ElementTree as ET

import pytest

from etappe.errors import InputError
from etappe.simulation.goods.assortment import Category, assortment
from etappe.simulation.pictures import Look, draw, name, sketch

LAMP = Look("home/lighting", "Table Lamp", "Brass", "warm white", "modern")
INKS = {"m": "#aaaaaa"}


def _looks_of(category: Category, styles: list[str]) -> list[Look]:
    options = assortment().axes[category.variants].options
    words = product(category.kinds, category.traits, options, styles)
    return [Look(category.path, kind.en, trait.en, option.en, style) for kind, trait, option, style in words]


@cache
def _pictures() -> dict[Look, str]:
    """Everything that could be sold, drawn."""
    departments = assortment().departments
    styles = {one.name: sorted({brand.style for brand in one.brands}) for one in departments}
    looks = [
        look for one in departments for category in one.categories for look in _looks_of(category, styles[one.name])
    ]
    return {look: draw(look) for look in looks}


def test_everything_that_could_be_sold_can_be_drawn() -> None:
    """Each combination of kind, trait, option and style has a well-formed picture on a square of 400."""
    for picture in _pictures().values():
        assert ET.fromstring(picture).get("viewBox") == "0 0 400 400"


def test_pictures_are_small() -> None:
    """No picture takes 4 KB, and the middle one less than 2 KB."""
    sizes = sorted(len(picture.encode()) for picture in _pictures().values())
    assert sizes[-1] < 4096
    assert sizes[len(sizes) // 2] < 2048


def test_pictures_need_nothing_from_outside() -> None:
    """No script, no address, no text that would need a font, and no ink that was not filled in."""
    for picture in _pictures().values():
        assert re.findall(r"<script|href|url\((?!#)|<text|[{}@]", picture) == []


def test_each_texture_that_is_used_is_defined() -> None:
    """What a fill or a stroke refers to is a pattern of the same picture, and each pattern is used."""
    for picture in _pictures().values():
        assert set(re.findall(r"url\(#([^)]+)\)", picture)) == set(re.findall(r' id="([^"]+)"', picture))


def test_no_two_looks_share_a_picture() -> None:
    """Another kind, trait, option or style makes another picture, throughout the assortment."""
    pictures = _pictures()
    assert len(set(pictures.values())) == len(pictures) > 5_000


def test_no_two_kinds_look_alike() -> None:
    """All kinds of all categories have a shape of their own, not only a colour."""
    offered = [(category, kind.en) for category in assortment().categories for kind in category.kinds]
    first = {one.path: assortment().axes[one.variants].options[0].en for one in assortment().categories}
    drawn = [draw(Look(one.path, kind, "Porcelain", first[one.path], "modern")) for one, kind in offered]
    assert len({re.sub("#[0-9a-f]{6}", "", one) for one in drawn}) == len(offered)


def test_shapes_stay_inside_the_frame() -> None:
    """No end or control point of a line lies outside the square; backdrops may."""
    outside = {}
    for look, picture in _pictures().items():
        points = list(_points(ET.fromstring(picture)[-1], 0, 0, 1))
        if not all(0 <= x <= 400 and 0 <= y <= 400 for x, y in points):
            outside[look.kind] = [point for point in points if not all(0 <= one <= 400 for one in point)]
    assert outside == {}


def test_each_look_has_a_name_of_its_own() -> None:
    """Names are of lower-case letters, digits and hyphens, and no two looks share one."""
    names = [name(look) for look in _pictures()]
    assert len(set(names)) == len(names)
    assert [one for one in names if not re.fullmatch(r"[a-z0-9-]+\.svg", one)] == []


def test_names_say_what_is_seen() -> None:
    """The name is made of category, kind, trait, option and style; accents and signs are left out."""
    assert name(LAMP) == "lighting-table-lamp-brass-warm-white-modern.svg"
    assert name(Look("kitchen/tea", "Green Tea", "Ginger & Lemon", "100 g", "classic")) == (
        "tea-green-tea-ginger-lemon-100-g-classic.svg"
    )
    assert name(Look("home/textiles", "Throw", "Bouclé", "mustard", "modern")).startswith("textiles-throw-boucle-")


def test_the_same_look_is_drawn_the_same() -> None:
    """Two drawings of one look are equal to the byte."""
    assert [draw(look) for look in list(_pictures())[::50]] == list(_pictures().values())[::50]


@pytest.mark.parametrize(
    ("category", "kind", "trait"),
    [
        ("kitchen/coffee", "Espresso Beans", "Brazilian"),
        ("kitchen/tea", "Green Tea", "Jasmine"),
        ("outdoor/fuel", "Fuel Gel", "Winter"),
        ("pets/dog-food", "Puppy Food", "Lamb"),
        ("garden/pots", "Plant Pot", "Zinc"),
    ],
)
def test_a_larger_pack_is_drawn_larger(category: str, kind: str, trait: str) -> None:
    """Pictures grow with the options of a size, which the assortment lists from small to large."""
    axis = next(one.variants for one in assortment().categories if one.path == category)
    looks = [Look(category, kind, trait, option.en, "classic") for option in assortment().axes[axis].options]
    tops = [min(y for _, y in _points(ET.fromstring(draw(look))[-1], 0, 0, 1)) for look in looks]
    assert tops == sorted(set(tops), reverse=True)


@pytest.mark.parametrize("field", ["category", "kind", "trait", "option", "style"])
@pytest.mark.parametrize("look", [LAMP, Look("kitchen/tea", "Rooibos", "Jasmine", "100 g", "classic")])
def test_a_word_without_a_picture_is_named(look: Look, field: str) -> None:
    """A word that has no shape or colour is refused by name, with the place to mend."""
    strange = {one: getattr(look, one) for one in look.__struct_fields__} | {field: "Teleporter"}
    with pytest.raises(InputError, match=r"'Teleporter'.*simulation/pictures/\w+") as refused:
        draw(Look(**strange))
    assert refused.value.field == "Teleporter"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("m M1 2h3", '<path d="M1 2h3" fill="#aaaaaa"/>'),
        ("m/8 M1 2h3", '<path d="M1 2h3" fill="none" stroke="#aaaaaa" stroke-width="8"/>'),
        ("#123456%30 o 1 2 3", '<ellipse cx="1" cy="2" rx="3" ry="3" fill="#123456" stroke="none" opacity="0.3"/>'),
        ("m r 1 2 3 4 5", '<rect x="1" y="2" width="3" height="4" rx="5" fill="#aaaaaa"/>'),
        (
            "@dot 5 6 2",
            '<g transform="translate(5 6) scale(2)"><ellipse cx="0" cy="0" rx="1" ry="1" fill="#aaaaaa"/></g>',
        ),
        ("@none 5 6", ""),
    ],
)
def test_a_line_of_a_sketch_is_an_element(line: str, expected: str) -> None:
    """Paths, ellipses, rectangles and parts are filled or stroked with the ink they name."""
    assert expected == sketch.svg(line, INKS, {"dot": "m o 0 0 1", "none": ""})


def test_a_line_that_is_not_in_the_notation_is_refused() -> None:
    """The line is shown as it is."""
    with pytest.raises(ValueError, match="not a line of a sketch: 'purple M1 2'"):
        sketch.svg("purple M1 2", INKS, {})


def _points(element: ET.Element, x: float, y: float, scale: float) -> Iterator[tuple[float, float]]:
    """All points that shape `element` and what it holds, on the square."""
    moved = _numbers(element.get("transform", "translate(0 0)"))
    x, y, scale = x + scale * moved[0], y + scale * moved[1], scale * (moved[2] if len(moved) > 2 else 1)
    for across, down in _own(element):
        yield x + scale * across, y + scale * down
    for inner in element:
        yield from _points(inner, x, y, scale)


def _own(element: ET.Element) -> Iterator[tuple[float, float]]:
    given = {key: float(value) for key, value in element.attrib.items() if re.fullmatch(r"-?[\d.]+", value)}
    match element.tag.rpartition("}")[2]:
        case "ellipse":
            yield from product(*((given["c" + a] - given["r" + a], given["c" + a] + given["r" + a]) for a in "xy"))
        case "rect":
            yield from product((given["x"], given["x"] + given["width"]), (given["y"], given["y"] + given["height"]))
        case "path":
            yield from _outline(element.attrib["d"])


def _outline(path: str) -> Iterator[tuple[float, float]]:
    """The end and control points of a path of M, L, H, V, Q, T and Z."""
    x = y = 0.0
    start = (x, y)
    for command, text in re.findall(r"([MLHVQTZ])([^A-Za-z]*)", path, flags=re.IGNORECASE):
        numbers = _numbers(text)
        if command in "Zz":
            x, y = start
        for step in _steps(command.upper(), numbers):
            base_x, base_y = (x, y) if command.islower() else (0.0, 0.0)
            points = [(x if a is None else base_x + a, y if b is None else base_y + b) for a, b in step]
            yield from points
            x, y = points[-1]
        start = (x, y) if command in "Mm" else start


def _steps(command: str, numbers: list[float]) -> list[list[tuple[float | None, float | None]]]:
    """What each repetition of a command gives: control points, then an end; None is unchanged."""
    if command == "H":
        return [[(one, None)] for one in numbers]
    if command == "V":
        return [[(None, one)] for one in numbers]
    pairs: list[tuple[float | None, float | None]] = list(zip(numbers[::2], numbers[1::2], strict=True))
    length = 2 if command == "Q" else 1
    return [pairs[place : place + length] for place in range(0, len(pairs), length)]


def _numbers(text: str) -> list[float]:
    return [float(one) for one in re.findall(r"-?\d*\.?\d+", text)]
