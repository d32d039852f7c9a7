"""Which trait, identity or consent each column of a table of customers is."""

from typing import Final

from etappe.importing.mapping.guessing import profiles
from etappe.importing.mapping.guessing.draft import Draft, Line
from etappe.importing.mapping.guessing.meanings import Meanings
from etappe.importing.mapping.guessing.profiles import Column
from etappe.importing.mapping.naming import person_names, words
from etappe.importing.mapping.naming.names import key_of
from etappe.importing.mapping.targets import UNDECIDED

_TARGETS: Final = {
    "customer": "user_id", "visitor": "anonymous_id", "email": "identities.email",
    "email_sha256": "identities.email_sha256", "phone": "identities.phone", "card": "identities.loyalty_card",
    "crm": "identities.external:crm", "household": "traits.household", "company": "traits.company",
    "buying_centre": "traits.buying_centre", "source": "consent_source", "given": "consent_time",
    "text": "consent_text_version", "changed": "timestamp",
}  # fmt: skip
_TYPES: Final = {profiles.NUMBER: "number", profiles.WHOLE: "number", profiles.YES_NO: "yes_no", profiles.TIME: "date"}
_CODES: Final = ("zip", "household", "company", "buying_centre", "store", "customer_group", "gender", "tier")
"""Traits that are codes where they look like numbers."""


def fill(draft: Draft, meanings: Meanings) -> None:
    """Fills `draft` with what is known of the columns of customers."""
    taken = {column.name: _TARGETS[meaning] for meaning, column in meanings.best(_TARGETS).items()}
    key = meanings.key("id")
    if key is not None and "user_id" not in taken.values():
        taken[key.name] = "user_id"
    mails = meanings.of_kind(profiles.EMAIL)
    if mails and "identities.email" not in taken.values():
        taken[mails[0].name] = "identities.email"
    consents = meanings.consents()
    taken |= {header: target for header, target in meanings.origins().items() if target.rpartition(".")[2] in consents}
    taken |= {column.name: f"consent.{purpose}" for purpose, column in consents.items()}
    for column in meanings.profile.columns:
        draft.columns[column.name] = _line(column, taken, meanings)
    _types(draft, meanings)
    draft.decisions += [
        f"whether {name!r} is a consent: let it become consent.PURPOSE, with yes and no turned round under"
        " [values] where it is an opt-out, or a trait"
        for name, line in draft.columns.items()
        if line.value == UNDECIDED
    ]
    if not any(target == "user_id" or target.startswith("identities.") for target in taken.values()):
        draft.decisions.append(
            "whose the rows are: let a column become user_id, identities.email or identities.loyalty_card"
        )
    granted = [purpose for purpose, column in consents.items() if any(map(words.yes_no, column.values))]
    untimed = [purpose for purpose in granted if f"consent_time.{purpose}" not in taken.values()]
    if untimed and "consent_time" not in taken.values():
        draft.decisions.append(
            f"when consent to {', '.join(untimed)} was given: let a column become consent_time, or import with"
            " --as-of DATE"
        )


def _line(column: Column, taken: dict[str, str], meanings: Meanings) -> Line:
    told = meanings.told(column)
    if column.kind == profiles.EMPTY:
        return Line("", told)
    if column.name in taken:
        return Line(taken[column.name], told)
    if key_of(column.name) in person_names.PRIVATE:
        return Line(
            "", f"left out: nobody needs it to recommend; traits.{person_names.slug(column.name)} keeps it; {told}"
        )
    if _may_be_consent(column):
        return Line(UNDECIDED, f"consent.PURPOSE, or traits.{meanings.slug(column.name)} where it is none; {told}")
    return Line(f"traits.{meanings.slug(column.name)}", told)


def _may_be_consent(column: Column) -> bool:
    """Whether what nobody knows by its name may allow or forbid something, which a trait would not."""
    key = key_of(column.name)
    return column.kind == profiles.YES_NO and any(part in key for part in person_names.OF_CONSENT)


def _types(draft: Draft, meanings: Meanings) -> None:
    for column in meanings.profile.columns:
        target = str(draft.columns[column.name].value)
        kind = _TYPES.get(column.kind) if column.pure else None
        if kind and target.startswith("traits.") and target.removeprefix("traits.") not in _CODES:
            if kind == "number" and _is_code(column):
                continue
            draft.types[target] = Line(kind)


def _is_code(column: Column) -> bool:
    """Whether what looks like numbers is none: they begin with a zero, or name things."""
    return any(cell.startswith("0") and cell.isdigit() and len(cell) > 1 for cell in column.examples) or key_of(
        column.name
    ).endswith(("id", "nr", "nummer", "number", "code"))
