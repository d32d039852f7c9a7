"""Which native column each column of a file of events is."""

from pathlib import Path
from typing import Final

from etappe.events.vocabulary import CHANNELS, TYPES
from etappe.importing.mapping.guessing import profiles
from etappe.importing.mapping.guessing.draft import Draft, Line
from etappe.importing.mapping.guessing.meanings import Meanings
from etappe.importing.mapping.guessing.profiles import Column
from etappe.importing.mapping.known import table as format_of
from etappe.importing.mapping.naming import words
from etappe.importing.mapping.naming.names import key_of
from etappe.importing.mapping.targets import UNDECIDED
from etappe.values import currencies

_TARGETS: Final = {
    "when": "timestamp", "customer": "user_id", "visitor": "anonymous_id", "item": "item_id", "order": "order_id",
    "quantity": "quantity", "price": "price", "currency": "currency", "channel": "channel", "event_id": "event_id",
    "email": "identities.email", "email_sha256": "identities.email_sha256", "phone": "identities.phone",
    "card": "identities.loyalty_card", "title": "item.title", "category": "item.category", "brand": "item.brand",
    "household": "traits.household", "company": "traits.company",
}  # fmt: skip
_NATIVE: Final = ("claim", "properties")
_REPEATS: Final = '{!r} is left out, as its ids repeat; where that is because rows came twice, let it become "event_id"'


def fill(draft: Draft, meanings: Meanings, path: Path) -> None:
    """Fills `draft` with what is known of the columns of events."""
    taken = {column.name: _TARGETS[meaning] for meaning, column in meanings.best(_TARGETS).items()}
    _settle_ids(draft, taken, meanings)
    _settle_moment(taken, meanings)
    if "price" not in taken.values() and meanings.has("total"):
        taken[meanings.columns("total")[0].name] = "total"
    if "item.title" not in taken.values() and len(meanings.columns("item")) > 1:
        taken[meanings.columns("item")[1].name] = "item.title"
    for column in meanings.profile.columns:
        draft.columns[column.name] = _line(column, taken, meanings)
    _repeat(draft, meanings)
    _happened(draft, meanings, path)
    _channel(draft, meanings)
    _currency(draft, meanings)
    _missing(draft, meanings)


def _line(column: Column, taken: dict[str, str], meanings: Meanings) -> Line:
    key, told, trait = key_of(column.name), meanings.told(column), meanings.trait(column.name)
    if column.name in taken:
        return Line(taken[column.name], told)
    if column.kind != profiles.EMPTY and key in _NATIVE:
        return Line(key, told)
    if column.kind != profiles.EMPTY and trait is not None:
        return Line(f"traits.{trait}", told)
    return Line("", told if column.kind == profiles.EMPTY else f"left out; {told}")


def _settle_ids(draft: Draft, taken: dict[str, str], meanings: Meanings) -> None:
    """An id that stands in several rows is no event's; without another it is the order's. Sessions stand for visitors.

    In the native format it is an event's all the same, which came twice.
    """
    native = format_of([column.name for column in meanings.profile.columns]) == "native"
    for column in [] if native else meanings.columns("event_id")[:1]:
        if not column.unique or column.filled < column.rows:
            taken.pop(column.name, None)
            if "order_id" not in taken.values():
                taken[column.name] = "order_id"
            elif column.name not in taken and not column.unique:
                draft.notes.append(_REPEATS.format(column.name))
    if meanings.has("session"):
        session = meanings.columns("session")[0]
        known = {"user_id", "anonymous_id"} & set(taken.values())
        taken[session.name] = "properties.session" if known else "anonymous_id"
    mails = meanings.of_kind(profiles.EMAIL)
    if mails and "identities.email" not in taken.values():
        taken[mails[0].name] = "identities.email"


def _settle_moment(taken: dict[str, str], meanings: Meanings) -> None:
    """Date and clock in two columns, or the one column of times where no name tells."""
    if "timestamp" not in taken.values() and len(meanings.of_kind(profiles.TIME)) == 1:
        taken[meanings.of_kind(profiles.TIME)[0].name] = "timestamp"
    moment = next((name for name, target in taken.items() if target == "timestamp"), None)
    if moment and meanings.has("clock") and not meanings.profile.named(moment).clocks:
        taken[moment] = "date"
        taken[meanings.columns("clock")[0].name] = "time"


def _repeat(draft: Draft, meanings: Meanings) -> None:
    """What stands in the first line of an order alone holds of its other lines."""
    by = draft.target("order_id")
    if by is None or not meanings.of_lines:
        return
    used = [
        column
        for column in meanings.profile.columns
        if draft.columns[column.name].value or column in meanings.columns("status")
    ]
    above = [
        column.name
        for column in used
        if column.name not in (by, *meanings.of_lines) and 0 < column.filled < column.rows
    ]
    if above:
        draft.repeat = {"by": by, "columns": above}


def _happened(draft: Draft, meanings: Meanings, path: Path) -> None:
    """Which event a row is: by its column, by the sign of its quantity, by what it has."""
    telling = [column for meaning in ("event", "status") for column in meanings.columns(meaning) if _tells(column)]
    if telling:
        _by_values(draft, telling[0])
    elif draft.target("quantity") and meanings.profile.named(str(draft.target("quantity"))).negative:
        _by_sign(draft)
    elif draft.target("order_id") or draft.target("price") or draft.target("total"):
        draft.constants["event"] = Line("purchase", "rows have an order or a price and no status")
    elif "click" in path.name.lower() or "view" in path.name.lower():
        draft.constants["event"] = Line("view_item", "the file's name says so")
    else:
        draft.constants["event"] = Line(UNDECIDED, "purchase, view_item, add_to_cart, ...: what a row is")
        draft.decisions.append(
            'what a row is, a purchase or a view: set event under [constants] to "purchase", "view_item", ...'
        )


def _tells(column: Column) -> bool:
    return bool(column.values) and any(_event_of(value) for value in column.values)


def _event_of(value: str) -> str | None:
    name = value.strip().lower().replace(" ", "_").replace("-", "_")
    return name if name in TYPES else words.EVENTS.get(key_of(value))


def _by_values(draft: Draft, column: Column) -> None:
    draft.columns[column.name].value = "event"
    draft.columns[column.name].comment = draft.columns[column.name].comment.removeprefix("left out; ")
    values = {value: Line(_event_of(value) or UNDECIDED, f"{count:,} rows") for value, count in column.values.items()}
    above = draft.repeat.get("columns", [])
    if column.filled < column.rows and column.name not in above:
        gaps = column.rows - column.filled
        values[""] = Line(UNDECIDED, f"{gaps:,} rows where it is empty")
    if all(line.value == value for value, line in values.items()):
        return
    draft.values["event"] = values
    unknown = [value for value, line in values.items() if line.value == UNDECIDED]
    if unknown:
        some = ", ".join(repr(value) for value in unknown[:5])
        draft.decisions.append(
            f"what {some} of {column.name!r} {'is' if len(unknown) == 1 else 'are'}: the name of an event, or"
            ' "skip" to leave the rows out, under [values.event]'
        )


def _by_sign(draft: Draft) -> None:
    quantity = str(draft.target("quantity"))
    draft.events = [
        {"event": "purchase", "when": {quantity: ">0"}},
        {"event": "refund", "when": {quantity: "<0"}},
    ]
    draft.notes.append(f"pieces below 0 in {quantity!r} are taken for returns")


def _channel(draft: Draft, meanings: Meanings) -> None:
    """Words of channels become ours; rows with another one have none."""
    header = draft.target("channel")
    if header is None:
        return
    values = meanings.profile.named(header).values
    named = {value: value if value in CHANNELS else words.CHANNELS.get(key_of(value), "") for value in values}
    if not any(named.values()):
        draft.columns[header].value = ""
    elif any(value != channel for value, channel in named.items()):
        draft.values["channel"] = {value: Line(channel, f"{values[value]:,} rows") for value, channel in named.items()}


def _currency(draft: Draft, meanings: Meanings) -> None:
    if draft.target("currency"):
        return
    header = draft.target("price") or draft.target("total")
    if header is None:
        return
    signs = {sign for cell in meanings.profile.named(header).examples for sign in _codes(cell)}
    signs |= set(_codes(header))
    if len(signs) == 1:
        draft.constants["currency"] = Line(signs.pop(), f"as {header!r} says")
    else:
        draft.notes.append('no column names the currency: say it once under [constants], as currency = "EUR"')


def _codes(text: str) -> list[str]:
    found = []
    for part in "".join(letter if letter.isalpha() or letter in "€£" else " " for letter in text).split():
        if part.isupper() or part in "€£":
            try:
                found.append(str(currencies.code(part)))
            except ValueError:
                continue
    return found


def _missing(draft: Draft, meanings: Meanings) -> None:
    """What a row must have and no column is known for."""
    if draft.target("timestamp") is None and draft.target("date") is None:
        some = ", ".join(repr(column.name) for column in meanings.of_kind(profiles.TIME)) or "none holds times"
        draft.decisions.append(f"when it happened: let a column become timestamp ({some})")
    whose = [
        name
        for name in ("user_id", "anonymous_id", "order_id", "identities.email", "identities.loyalty_card")
        if draft.target(name)
    ]
    if not whose:
        draft.decisions.append("whose it is: let a column become user_id, anonymous_id or order_id")
    if draft.target("item_id") is None:
        draft.decisions.append("which item it is about: let a column become item_id")
