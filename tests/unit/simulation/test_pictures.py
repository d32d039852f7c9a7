"""Pictures: every item of the assortment has one of its own, well-formed, and the same each time."""

import re
from itertools import product
from xml.etree import ElementTree as ET

import pytest

from etappe.errors import InputError
from etappe.simulation.goods.assortment import assortment
from etappe.simulation.pictures import Look, draw, name

LAMP = Look("home/lighting", "Table Lamp", "Brass", "warm white", "modern")
COFFEE = Look("kitchen/coffee", "Espresso Beans", "Brazilian", "250 g", "classic")


def _looks() -> list[Look]:
    offered = assortment()
    found = []
    for department in offered.departments:
        styles = sorted({brand.style for brand in department.brands})
        for category in department.categories:
            words = product(category.kinds, category.traits, offered.axes[category.variants].options, styles)
            found += [Look(category.path, kind.en, trait.en, option.en, style) for kind, trait, option, style in words]
    return found


def test_everything_that_could_be_sold_can_be_drawn() -> None:
    """Each combination of kind, trait, option and style has a well-formed picture of under 4 KB on a square of 400."""
    for look in _looks():
        drawn = draw(look)
        assert ET.fromstring(drawn).get("viewBox") == "0 0 400 400"
        assert len(drawn) < 4096


def test_pictures_need_nothing_from_outside() -> None:
    """No script, no reference, no text that would need a font, and no placeholder that was not filled."""
    for look in _looks():
        found = re.findall(r"<script|href|url\(|<text|[{}@]", draw(look))
        assert found == []


def test_each_look_has_a_name_of_its_own() -> None:
    """Names are of lower-case letters, digits and hyphens, and no two looks share one."""
    names = [name(look) for look in _looks()]
    assert len(set(names)) == len(names) > 5_000
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
    assert draw(LAMP) == draw(LAMP)


@pytest.mark.parametrize(
    ("field", "other"), [("kind", "Floor Lamp"), ("trait", "Oak"), ("option", "daylight"), ("style", "classic")]
)
def test_what_differs_is_drawn_differently(field: str, other: str) -> None:
    """Another kind, material, colour or style makes another picture."""
    assert draw(LAMP) != draw(Look(**{one: getattr(LAMP, one) for one in LAMP.__struct_fields__} | {field: other}))


def test_no_two_kinds_look_alike() -> None:
    """All kinds of all categories have a shape of their own."""
    offered = assortment()
    drawn = {
        draw(Look(category.path, kind.en, "Oak", "mustard", "modern"))
        for category in offered.categories
        for kind in category.kinds
    }
    assert len(drawn) == sum(len(category.kinds) for category in offered.categories)


def test_a_larger_pack_is_drawn_larger() -> None:
    """The scale of the picture grows with the size that is bought."""
    looks = [
        Look(COFFEE.category, COFFEE.kind, COFFEE.trait, size, COFFEE.style) for size in ("250 g", "500 g", "1 kg")
    ]
    scales = [float(re.search(r"scale\(([\d.]+)\)", draw(look))[1]) for look in looks]
    assert scales == sorted(set(scales))


@pytest.mark.parametrize("field", ["kind", "trait", "option", "style"])
def test_a_word_without_a_picture_is_named(field: str) -> None:
    """A word that has no shape or colour is refused by name, with the file to mend."""
    strange = {one: getattr(LAMP, one) for one in LAMP.__struct_fields__} | {field: "Teleporter"}
    with pytest.raises(InputError, match=r"Teleporter.*simulation/pictures/\w+\.toml"):
        draw(Look(**strange))
