"""Those whose erasure waits, by all that they are known by."""

import base64
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from etappe.events.identities import EMAIL, EXTERNAL, ORDER_EMAIL, PHONE, Identity, hashed_email, hashed_phone
from etappe.events.naming import anywhere, telling
from etappe.events.naming.sought import REJECTED, Search
from etappe.store.identities.erasure import Erasure

_MARKS: Final = {EMAIL: ("@", "%40"), ORDER_EMAIL: ("@", "%40"), PHONE: ("+", "00")}
"""What a text has in it where it may have an address of a kind."""
_ESCAPE: Final = "\\"
_UNREADABLE: Final = (msgspec.MsgspecError, RecursionError, UnicodeError)


class Erased:
    """People who are sought, each until when: what came in later is another customer's."""

    def __init__(self, erasures: Iterable[Erasure]) -> None:
        self._known: dict[Identity, tuple[datetime, str]] = {}
        self._subjects: dict[bytes, str] = {}
        for erasure in sorted(erasures, key=lambda each: each.since):
            until = datetime.fromtimestamp(erasure.since / 1000, UTC)
            for identity in erasure.identities:
                self._known |= dict.fromkeys(_also(identity), (until, erasure.receipt))
            for subject in erasure.subjects:
                forms = (subject.hex().encode(), base64.b64encode(subject))
                self._subjects |= dict.fromkeys(forms, erasure.receipt)
        self.kinds: Sequence[str] = sorted({each.kind for each in self._known if each.kind.startswith(EXTERNAL)})
        self._ids = tuple({identity.value for identity in self._known if telling.is_telling(identity.value)})
        self._marks = tuple({mark for identity in self._known for mark in _MARKS.get(identity.kind, ())})

    def whose(self, identity: Identity, moment: datetime | None) -> str | None:
        """The receipt of whose identity this is."""
        until, receipt = self._known.get(identity, (None, None))
        return receipt if until is not None and (moment is None or moment <= until) else None

    def may_tell(self, text: str) -> bool:
        """Whether a text has one of their ids or addresses, or may have one in the escapes of JSON."""
        if _ESCAPE in text or any(value in text for value in self._ids):
            return True
        if not any(mark in text for mark in self._marks):
            return False
        return any(identity in self._known for token in telling.addresses(text) for identity in token.identities)

    def named_in(self, line: bytes) -> set[str]:
        """The receipts of all whom a line of JSON, or what was meant to be some, names."""
        found = {receipt for form, receipt in self._subjects.items() if form in line}
        search = Search(self)
        try:
            anywhere.is_named(search, msgspec.json.decode(line))
        except _UNREADABLE:
            search.text(line.decode(errors="replace"), REJECTED)
        return found | {receipt for receipt, _ in search.taken}


def _also(identity: Identity) -> set[Identity]:
    """An identity and what means the same person for sure: an address is one, whichever form named it."""
    kind, value = identity.kind, identity.value
    if kind in telling.ADDRESSES:
        return {Identity(each, value) for each in telling.ADDRESSES}
    found = {identity}
    if "@" in value:
        found |= {Identity(each, hashed_email(value)) for each in telling.ADDRESSES}
    if value.startswith(("+", "00")):
        found.add(Identity(PHONE, hashed_phone(value)))
    return found
