"""What the shop could sell: the TOML file beside this one, typed and checked."""

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Final

import msgspec
from msgspec import Meta

_Positive = Annotated[float, Meta(gt=0)]
_Chance = Annotated[float, Meta(ge=0, le=1)]

LANGUAGES: Final = ("en", "de")


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the files."""


class Named(msgspec.Struct, frozen=True, array_like=True):
    """A word in both languages, and by how much what it names multiplies the price."""

    en: str
    de: str
    factor: _Positive = 1.0


class Brand(msgspec.Struct, frozen=True, array_like=True):
    """An invented brand, the style of all it makes, and its price level."""

    name: str
    style: str
    factor: _Positive


class Axis(_Data, frozen=True):
    """In what the variants of one product differ."""

    attribute: str
    options: tuple[Named, ...]


class Complement(_Data, frozen=True):
    """What goes with a category: with this chance its buyer takes the item's partner along."""

    path: str
    chance: _Chance


class Category(_Data, frozen=True, kw_only=True):
    """A category: `median` price (EUR), `spread` of log prices, `share` of the assortment, mean `pack` bought.

    Goods with `cycle_days` are used up and bought again about that often.
    """

    path: str
    code: str
    median: _Positive
    spread: _Positive
    share: _Positive
    variants: str
    trait: str
    kinds: tuple[Named, ...]
    traits: tuple[Named, ...]
    pack: Annotated[float, Meta(ge=1)] = 1.0
    cycle_days: _Positive | None = None
    complement: Complement | None = None


class Department(_Data, frozen=True):
    """A department: its brands sell in all its categories."""

    name: str
    brands: tuple[Brand, ...]
    categories: tuple[Category, ...]


class Assortment(_Data, frozen=True):
    """Everything the shop could sell."""

    series: tuple[str, ...]
    ecological: tuple[str, ...]
    """Traits that people look for who mind the environment."""
    axes: dict[str, Axis]
    departments: tuple[Department, ...]

    @property
    def categories(self) -> tuple[Category, ...]:
        """All categories; their places here are the numbers everything else knows them by."""
        return tuple(category for department in self.departments for category in department.categories)

    @property
    def brands(self) -> tuple[Brand, ...]:
        """All brands, department by department."""
        return tuple(brand for department in self.departments for brand in department.brands)

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles of all brands, by name."""
        return tuple(sorted({brand.style for brand in self.brands}))

    def brands_of(self, category: Category) -> list[int]:
        """The numbers of the brands that sell in `category`."""
        department = next(one for one in self.departments if category in one.categories)
        return [number for number, brand in enumerate(self.brands) if brand in department.brands]

    def number_of(self, path: str) -> int:
        """The number of the category with this path."""
        return [category.path for category in self.categories].index(path)


@cache
def assortment() -> Assortment:
    """What the shop could sell."""
    text = resources.files(__package__).joinpath("assortment.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Assortment)
