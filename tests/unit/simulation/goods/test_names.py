"""What the goods are called."""

import re
from collections import defaultdict

from etappe.simulation import Shop
from etappe.simulation.goods.assortment import Named, assortment
from etappe.simulation.goods.names import item_id, series_name, titles


def test_titles_read_like_a_shops() -> None:
    """Trait, kind, series and option make a title in both languages."""
    lamp = (Named("Table Lamp", "Tischleuchte"), Named("Brass", "aus Messing"), Named("warm white", "warmweiß"))
    assert titles(*lamp, "") == {"en": "Brass Table Lamp, warm white", "de": "Tischleuchte aus Messing, warmweiß"}
    assert titles(*lamp, "Alba")["en"] == "Brass Table Lamp Alba, warm white"


def test_ids_have_the_categories_code() -> None:
    """The id is the category's code and a number of at least four digits."""
    lighting = assortment().categories[0]
    assert item_id(lighting, 42) == "LMP-0042"
    assert item_id(lighting, 12345) == "LMP-12345"


def test_series_never_run_out() -> None:
    """The first 500 series of a category have different names."""
    names = [series_name(assortment(), 3, number) for number in range(500)]
    assert len(set(names)) == 500
    assert names[0] == ""


def test_codes_and_paths_are_unique() -> None:
    """No two categories share a code or a path, and each path begins with its department."""
    offered = assortment()
    assert len({category.code for category in offered.categories}) == len(offered.categories)
    assert len({category.path for category in offered.categories}) == len(offered.categories)
    for department in offered.departments:
        assert all(category.path.startswith(f"{department.name}/") for category in department.categories)


def test_no_two_items_share_a_title(shop: Shop) -> None:
    """Titles are unique in each language."""
    for language in ("en", "de"):
        assert len({item.titles[language] for item in shop.items}) == len(shop.items)


def test_variants_differ_in_their_last_words_only(shop: Shop) -> None:
    """Items of one group have the same title but for what follows the comma; all others have a title of their own."""
    groups = defaultdict(set)
    for item in shop.items:
        groups[item.item_group_id or item.id].add(item.title.rsplit(", ", 1)[0])
    assert all(len(stems) == 1 for stems in groups.values())
    assert len({stem for stems in groups.values() for stem in stems}) == len(groups)


def test_items_look_as_the_catalogue_wants_them(shop: Shop) -> None:
    """Each item has id, url, picture, brand, currency, path of two steps and readable attributes."""
    for item in shop.items:
        assert re.fullmatch(r"[A-Z]{3}-\d{4}", item.id)
        assert item.url == f"/p/{item.id}"
        assert re.fullmatch(r"/pictures/\S+\.\w+", item.image or "")
        assert item.brand
        assert item.currency == "EUR"
        assert item.category
        assert item.category.count("/") == 1
        assert {"kind", "style"} < set(item.attributes)
