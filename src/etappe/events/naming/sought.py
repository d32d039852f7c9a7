"""People who are looked for in what others said, and what of it is taken out."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from etappe.events.identities import ANONYMOUS, CLAIMED, IDENTITIES, Identity
from etappe.events.naming import places, telling

ERASED: Final = "[erased]"
"""What stands in the place of what was taken out of a text."""
NAMING: Final = ("anonymous_id", "properties", "raw")
"""The columns in which an event of somebody may name another."""
IDS: Final = "identities"
TEXTS: Final = "texts"
PAYLOADS: Final = "payloads"
REJECTED: Final = "rejected"

_LITERAL: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OF_THINGS: Final = frozenset(
    {
        "item", "items", "item_id", "item_group_id", "product_id", "sku", "variant", "variant_id", "products", "cart",
        "exclude", "id", "order_id", "orderId", "transaction_id", "event_id", "messageId", "decision", "placement",
        "piece", "snapshot", "catalogue", "settings", "state", "shown", "user_agent", "userAgent",
    }
)  # fmt: skip
"""Names under which the ids of things stand, and what else is no text: a person's id is none of these."""


class Sought(Protocol):
    """Certain people, by what they are known by."""

    @property
    def kinds(self) -> Sequence[str]:
        """Kinds of ids that they have besides Etappe's own."""

    def whose(self, identity: Identity, moment: datetime | None) -> str | None:
        """Whose identity this is, if it is of one of them and was so at `moment` (None: at any time)."""

    def may_tell(self, text: str) -> bool:
        """Whether something of one of them may be in a text; no more than a quick look."""


class Search:
    """Takes `sought` out of what was said at `moment`, and counts what it took, by person and sort."""

    def __init__(self, sought: Sought, moment: datetime | None = None) -> None:
        self.taken: Counter[tuple[str, str]] = Counter()
        self._sought = sought
        self._moment = moment

    def has(self, identity: Identity | None, sort: str = IDS) -> bool:
        """Whether an identity is one of theirs."""
        whose = self._sought.whose(identity, self._moment) if identity is not None else None
        if whose is not None:
            self.taken[whose, sort] += 1
        return whose is not None

    def names(self, document: Any, where: tuple[places.Place, ...], sort: str = IDS) -> bool:
        """Whether one of them stands where ids stand."""
        found = {self._sought.whose(identity, self._moment) for identity in places.named(document, where)}
        self.taken.update((whose, sort) for whose in found if whose is not None)
        return any(whose is not None for whose in found)

    def left(
        self, event: str | None, anonymous_id: str | None, properties: str | None, payload: str | None
    ) -> tuple[str | None, str | None, str | None]:
        """What is left of another's event, by NAMING. In this order: a payload goes where ids went before it."""
        visitor = Identity(ANONYMOUS, anonymous_id) if anonymous_id else None
        return (
            None if self.has(visitor) else anonymous_id,
            properties and self.properties(event, properties),
            payload and self.payload(payload),
        )

    def properties(self, event: str | None, text: str) -> str | None:
        """The properties of another's event without them; None where nothing is left."""
        said = decoded(text)
        if not isinstance(said, dict):
            return self.text(text)
        rest = {name: self._left(event, name, value) for name, value in said.items()}
        kept = {name: value for name, value in rest.items() if value is not None or said[name] is None}
        left = text if kept == said else msgspec.json.encode(kept).decode()
        return self.text(left) if kept or not said else None

    def payload(self, text: str) -> str | None:
        """The payload of another's event; None where it names one of them as payloads do.

        What else it says may be of that person too: their name, their address. It is of no use but to be translated
        again, and would make a claim of them then. Where the event lost an id, its payload has it too.
        """
        lost = {whose for whose, sort in self.taken if sort == IDS}
        if not lost and not self.names(decoded(text), places.PAYLOAD, PAYLOADS):
            return self.text(text)
        self.taken.update((whose, PAYLOADS) for whose in lost)
        return None

    def text(self, text: str, sort: str = TEXTS) -> str:
        """JSON or other text with what tells one of them taken out; every other byte stays."""
        if not self._sought.may_tell(text):
            return text
        if decoded(text) is None:
            return self._redacted(text, "", sort)
        done, last, name = [], 0, ""
        for match in _LITERAL.finditer(text):
            if _is_name(text, match.end()):
                name = match[0][1:-1]
            done += [text[last : match.start()], self._literal(match[0], name, sort)]
            last = match.end()
        return "".join((*done, text[last:]))

    def _left(self, event: str | None, name: str, value: Any) -> Any:
        """A property without identities of theirs; None where nothing is left of it."""
        where = [place for place in places.properties_of(event) if place[0] == (name,)]
        if name in (IDENTITIES, CLAIMED) and isinstance(value, dict):
            kept = {kind: told for kind, told in value.items() if not self.names({name: {kind: told}}, (*where,))}
            return kept or (None if value else value)
        return None if where and self.names({name: value}, (*where,)) else value

    def _literal(self, literal: str, name: str, sort: str) -> str:
        try:
            said: str = msgspec.json.decode(literal, type=str)
        except (msgspec.MsgspecError, UnicodeError):
            said = literal[1:-1]
        left = self._redacted(said, name, sort) if decoded(said) is None else self.text(said, sort)
        return literal if left == said else msgspec.json.encode(left).decode()

    def _redacted(self, text: str, name: str, sort: str) -> str:
        if not self._sought.may_tell(text):
            return text
        found = telling.addresses(text) if name in _OF_THINGS else telling.tokens(text, self._sought.kinds)
        done, last = [], 0
        for start, end, whose in _apart(list(self._theirs(found))):
            self.taken[whose, sort] += 1
            done += [text[last:start], ERASED]
            last = end
        return "".join((*done, text[last:]))

    def _theirs(self, found: Iterator[telling.Token]) -> Iterator[tuple[int, int, str]]:
        for token in found:
            owners = (self._sought.whose(identity, self._moment) for identity in token.identities)
            whose = next((owner for owner in owners if owner is not None), None)
            if whose is not None:
                yield token.start, token.end, whose


def _apart(spans: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Spans that do not overlap, in order, longer ones first."""
    last = 0
    for start, end, whose in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= last:
            yield start, end, whose
            last = end


def _is_name(text: str, end: int) -> bool:
    return text[end : end + 16].lstrip()[:1] == ":"


def decoded(text: str) -> Any:
    """The object or list that a text is as JSON; None where it is none."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
