"""What the goods are called: ids such as LMP-0042, and titles in English and German."""

from etappe.simulation.goods.assortment import Assortment, Category, Named

_DIGITS = 4
_APART = 7


def item_id(category: Category, number: int) -> str:
    """The id of a category's item: "LMP-0042"."""
    return f"{category.code}-{number:0{_DIGITS}}"


def titles(kind: Named, trait: Named, option: Named, series: str) -> dict[str, str]:
    """The title by language: "Brass Table Lamp Alba, warm white", "Tischleuchte Alba aus Messing, warmweiß"."""
    model = f" {series}" if series else ""
    return {
        "en": f"{trait.en} {kind.en}{model}, {option.en}",
        "de": f"{kind.de}{model} {trait.de}, {option.de}",
    }


def series_name(assortment: Assortment, category: int, series: int) -> str:
    """The name of a category's series: none for 0, then the list of names, then the same names numbered from 2 on.

    Each category begins elsewhere in the list, so that not every other thing in a small shop has the same name.
    """
    if not series:
        return ""
    turn, place = divmod(series - 1, len(assortment.series))
    name = assortment.series[(place + category * _APART) % len(assortment.series)]
    return name + (f" {turn + 1}" if turn else "")
