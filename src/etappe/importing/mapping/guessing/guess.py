"""What the columns of a file are, guessed from their names in several languages and from what stands in them."""

from pathlib import Path
from typing import Final

from etappe.errors import InputError
from etappe.importing.mapping.guessing import customers, events, profiles
from etappe.importing.mapping.guessing.draft import Draft, Line
from etappe.importing.mapping.guessing.meanings import Meanings
from etappe.importing.mapping.guessing.profiles import Column, Profile
from etappe.importing.mapping.naming import person_names
from etappe.importing.mapping.targets import ATTRIBUTES, CUSTOMERS, EVENTS, ITEMS, LEFT_OUT, TRAITS, UNDECIDED
from etappe.importing.reading.dialect import Dialect
from etappe.values import times
from etappe.values.money import Mark
from etappe.values.times import Order

_OF_ITEMS: Final = ("title", "price", "url", "image", "available", "category", "brand", "group")
_ITEM_TARGETS: Final = {
    "item": "id", "title": "title",
    "category": "category", "brand": "brand", "group": "item_group_id", "price": "price",
    "currency": "currency", "url": "url", "image": "image", "available": "available",
}  # fmt: skip


def guess(path: Path, dialect: Dialect, profile: Profile, kind: str | None = None) -> Draft:
    """The mapping of the file `path`, as far as names and cells tell; what they do not stands among its decisions.

    Raises:
        InputError: nothing tells what the rows are, and no `kind` is given.
    """
    found = Meanings(profile)
    kind = kind or kind_of(found) or _undecided(path, profile)
    draft = Draft(kind=kind)
    _of_text(draft, dialect)
    if kind == EVENTS:
        events.fill(draft, found, path)
    elif kind == CUSTOMERS:
        customers.fill(draft, found)
    else:
        _items(draft, found)
    _once(draft)
    _decimal(draft, profile)
    _dates(draft, profile)
    return draft


def _once(draft: Draft) -> None:
    """Of columns that would become the same the first does; the others get names of their own, or are left out."""
    taken: set[str] = set()
    for header, line in draft.columns.items():
        target = str(line.value)
        if target in taken:
            prefix = next((one for one in (TRAITS, ATTRIBUTES) if target.startswith(one)), "")
            named = (
                f"{prefix}{person_names.slug(header)}{number}" for number in ("", *(f"_{one}" for one in range(2, 99)))
            )
            own = next(name for name in named if name not in taken)
            line.value = own if prefix and draft.kind != EVENTS else LEFT_OUT
        taken |= {str(line.value)} - {LEFT_OUT}


def kind_of(meanings: Meanings) -> str | None:
    """Whether rows are events, items or customers; None where nothing tells."""
    person = any(meanings.has(meaning) for meaning in ("customer", "visitor", "session", "email", "card"))
    happened = meanings.has("when") and (person or meanings.has("order"))
    if meanings.has("event") or meanings.has("order") or (meanings.has("item") and (happened or person)):
        return EVENTS
    if (
        (meanings.has("item") or meanings.key("id"))
        and any(meanings.has(meaning) for meaning in _OF_ITEMS)
        and not person
    ):
        return ITEMS
    if person or meanings.has("crm") or meanings.traits() >= 2 or meanings.consents():  # noqa: PLR2004 - one may be by chance
        return CUSTOMERS
    return None


def _undecided(path: Path, profile: Profile) -> str:
    names = ", ".join(repr(column.name) for column in profile.columns)
    raise InputError(f"{path}: nothing tells what its rows are; say --kind events, items or customers. It has {names}")


def _of_text(draft: Draft, dialect: Dialect) -> None:
    draft.file["kind"] = Line(draft.kind, "events, items or customers")
    if dialect.text is not None:
        draft.file["encoding"] = Line(dialect.text.codec, dialect.text.name)
    if dialect.separator:
        draft.file["separator"] = Line(dialect.separator)


def _items(draft: Draft, meanings: Meanings) -> None:
    taken = meanings.best(_ITEM_TARGETS)
    key = meanings.key("id")
    if key is not None and "item" not in taken:
        taken["item"] = key
    names = {column.name: meaning for meaning, column in taken.items()}
    for column in meanings.profile.columns:
        target = (
            _ITEM_TARGETS[names[column.name]] if column.name in names else f"attributes.{meanings.slug(column.name)}"
        )
        draft.columns[column.name] = Line("" if column.kind == profiles.EMPTY else target, meanings.told(column))
    if draft.target("id") is None:
        draft.decisions.append("no column is known for the item's id: let one become id")


def _decimal(draft: Draft, profile: Profile) -> None:
    """The decimal mark of numbers that are read, over all of them."""
    read = _numeric(draft, profile)
    commas, points = sum(column.commas for column in read), sum(column.points for column in read)
    unsure = next((column for column in read if column.unsure), None)
    if unsure is not None and bool(commas) == bool(points):
        example = unsure.unsure
        draft.file["decimal"] = Line(UNDECIDED, f'"," or ".": {example} of {unsure.name} may be either')
        draft.decisions.append(
            f'whether {example} ({unsure.name}) is a thousand or a decimal: set decimal to "." or ","'
        )
        return
    if commas and points:
        odd = ", ".join(repr(column.name) for column in read if column.mark is not Mark.AMBIGUOUS)
        draft.notes.append(
            f"decimals are written with a comma and with a point ({odd}); each is read as it can be meant"
        )
    seen = next((cell for column in read for cell in column.examples if "," in cell or "." in cell), "")
    draft.file["decimal"] = Line("," if commas > points else ".", f"as in {seen}" if seen else "no number tells")


def _numeric(draft: Draft, profile: Profile) -> list[Column]:
    targets = ("quantity", "price", "total")
    headers = {draft.target(target) for target in targets}
    headers |= {draft.target(target) for target, line in draft.types.items() if line.value == "number"}
    return [
        column
        for column in profile.columns
        if column.name in headers and column.kind in (profiles.NUMBER, profiles.WHOLE)
    ]


def _dates(draft: Draft, profile: Profile) -> None:
    """How times are written, over all columns that are read as such."""
    headers = {draft.target(target) for target in ("timestamp", "date", "consent_time")}
    headers |= {draft.target(target) for target, line in draft.types.items() if line.value == "date"}
    headers |= {header for header, line in draft.columns.items() if str(line.value).startswith("consent_time.")}
    columns = [column for column in profile.columns if column.name in headers]
    turned = [column for column in columns if column.dates == "turned"]
    example = next((cell for column in (turned or columns) for cell in column.examples), "")
    if any(column.dates == "epoch" for column in columns):
        draft.file["dates"] = Line("epoch", f"numbers since 1970, as in {example}")
    elif turned:
        _turned(draft, turned, example)
    elif columns and any(column.kind in (profiles.NUMBER, profiles.WHOLE) for column in columns):
        serial = all(times.is_serial(cell) for column in columns for cell in column.examples)
        draft.file["dates"] = Line("excel" if serial else "iso", f"as in {example}")
    elif columns:
        draft.file["dates"] = Line("iso", f"year, month, day, as in {example}")
    if columns and not all(column.zoned for column in columns):
        draft.file["# zone"] = Line(
            "Europe/Berlin", "times name no zone; without this line they are in catalogue.time_zone"
        )


def _turned(draft: Draft, columns: list[Column], example: str) -> None:
    orders = {column.order for column in columns}
    if Order.MDY in orders and Order.DMY not in orders and Order.BOTH not in orders:
        draft.file["dates"] = Line("mdy", f"month before day, as in {example}")
    elif Order.BOTH in orders or {Order.DMY, Order.MDY} <= orders:
        draft.file["dates"] = Line(UNDECIDED, '"dmy" or "mdy": some can only be one, some only the other')
        draft.decisions.append(
            "some dates can only be day before month, others only month before day: mend the file, or set dates"
        )
    elif Order.DMY in orders or all(column.dotted for column in columns):
        draft.file["dates"] = Line("dmy", f"day before month, as in {example}")
    else:
        draft.file["dates"] = Line(UNDECIDED, f'"dmy" or "mdy": {example} may be either')
        draft.decisions.append(
            f'whether {example} is day before month or month before day: set dates to "dmy" or "mdy"'
        )
