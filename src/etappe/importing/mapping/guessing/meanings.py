"""The columns of a file by what their names mean."""

from collections.abc import Iterable
from typing import Final

from etappe.importing.mapping.guessing import profiles
from etappe.importing.mapping.guessing.profiles import Column, Profile
from etappe.importing.mapping.naming import person_names
from etappe.importing.mapping.naming.names import MEANINGS, Meaning, key_of, keys_of

_SORTS: Final = {
    "when": (profiles.TIME, profiles.WHOLE, profiles.NUMBER),
    "given": (profiles.TIME,),
    "changed": (profiles.TIME,),
    "clock": (profiles.CLOCK,),
    "quantity": (profiles.WHOLE, profiles.NUMBER, profiles.YES_NO),
    "price": (profiles.NUMBER, profiles.WHOLE, profiles.YES_NO),
    "total": (profiles.NUMBER, profiles.WHOLE, profiles.YES_NO),
    "email": (profiles.EMAIL,),
    "image": (profiles.LINK, profiles.TEXT),
}
"""What cells must be for a name to mean this."""
_LONGEST: Final = 40
_LINE: Final = "lineitem"


class Meanings:
    """The columns of a file, and what each means as far as it is known."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._keys = {key_of(column.name): column for column in profile.columns if column.kind != profiles.EMPTY}
        self._lines = any(key.startswith(_LINE) for key in self._keys)
        self._known: dict[str, list[tuple[int, Column]]] = {}
        for column in self._keys.values():
            told = (self._meaning(key, column) for key in keys_of(column.name))
            meaning = next((one for one in told if one is not None), None)
            if meaning is not None:
                self._known.setdefault(meaning.name, []).append((meaning.rank, column))

    def _meaning(self, key: str, column: Column) -> Meaning | None:
        if self._lines and key == "name":
            return Meaning("order", "shops", 0)  # Shopify calls the order's number so
        meaning = MEANINGS.get(key)
        if meaning is not None and meaning.name == "clock" and column.kind == profiles.TIME:
            return Meaning("when", meaning.language, meaning.rank)
        if meaning is None or column.kind in _SORTS.get(meaning.name, (column.kind,)):
            return meaning
        return None

    def has(self, meaning: str) -> bool:
        """Whether a column means this."""
        return meaning in self._known

    def key(self, key: str) -> Column | None:
        """The column whose name is compared as `key`."""
        return self._keys.get(key)

    def columns(self, meaning: str) -> list[Column]:
        """The columns that mean this, whose name tells it best first."""
        places = {column.name: place for place, column in enumerate(self.profile.columns)}
        found = sorted(self._known.get(meaning, []), key=lambda pair: (pair[0], places[pair[1].name]))
        return [column for _, column in found]

    def best(self, meanings: Iterable[str]) -> dict[str, Column]:
        """The best column by meaning."""
        return {meaning: self.columns(meaning)[0] for meaning in meanings if self.has(meaning)}

    def of_kind(self, kind: str) -> list[Column]:
        """The columns whose cells are of a kind."""
        return [column for column in self.profile.columns if column.kind == kind]

    def traits(self) -> int:
        """Columns whose names are traits of persons."""
        return sum(key in person_names.TRAITS or key in person_names.PRIVATE for key in self._keys)

    def consents(self) -> dict[str, Column]:
        """Columns that hold a consent, by purpose."""
        return {
            person_names.PURPOSES[key]: column
            for key, column in reversed(self._keys.items())
            if key in person_names.PURPOSES and column.kind in (profiles.YES_NO, profiles.TEXT)
        }

    def slug(self, name: str) -> str:
        """A name of one's own out of a header: the usual one where it is known."""
        return self.trait(name) or person_names.slug(name)

    def trait(self, name: str) -> str | None:
        """The trait that a header names."""
        return next((person_names.TRAITS[key] for key in keys_of(name) if key in person_names.TRAITS), None)

    @property
    def of_lines(self) -> list[str]:
        """The columns of an order's lines, where the others tell of the order, in the first of its lines alone."""
        return [column.name for column in self.profile.columns if key_of(column.name).startswith(_LINE)]

    def origins(self) -> dict[str, str]:
        """Columns that say when, where and under which text one consent was given: their target by header."""
        found = {}
        for key, column in self._keys.items():
            for begin in (one for one in person_names.PURPOSES if key.startswith(one)):
                what = person_names.ORIGINS.get(key.removeprefix(begin))
                if what is not None:
                    found[column.name] = f"{what}.{person_names.PURPOSES[begin]}"
        return found

    def told(self, column: Column) -> str:
        """What a column is, in a few words for people."""
        if column.kind == profiles.EMPTY:
            return "empty"
        example = column.examples[0] if len(column.examples[0]) <= _LONGEST else column.examples[0][:_LONGEST] + "..."
        gaps = f", {column.rows - column.filled:,} empty" if column.filled < column.rows else ""
        figures = column.kind == profiles.YES_NO and all(cell.isdigit() for cell in column.examples)
        kind = profiles.WHOLE if figures else column.kind
        mostly = "" if column.pure or kind == profiles.TEXT else "mostly "
        return f"{mostly}{kind}, {column.distinct:,} different{gaps}; as in {example}"
