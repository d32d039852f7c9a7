"""From events to claims: what they say about who is whom, and the few of those that are news to the graph."""

import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from etappe.customers.identity import Claim
from etappe.events.identities import ANONYMOUS, EMAIL, IDENTITIES, ORDER_EMAIL, USER, Identity, named
from etappe.events.intake import Accepted
from etappe.events.vocabulary import Alias, Event
from etappe.ids import SUBJECT_BYTES, Subject, subject_of, tombstone_of
from etappe.settings import Settings
from etappe.store import keys
from etappe.store.identities import graph
from etappe.store.records import envelope
from etappe.store.records.roots import HEAD_BYTES, place_of
from etappe.store.server.connection import SyncRedis
from etappe.store.wire import Wire, ask_all

_REMEMBERED: Final = 50_000
_REMEMBERED_SECONDS: Final = 5.0
_ALIAS_BYTES: Final = envelope.HEADER_BYTES + HEAD_BYTES + SUBJECT_BYTES
"""What of a record says whose alias it is."""


def claims_of(secret: bytes, event: Event, cause: str, moment: int | None = None) -> list[Claim]:
    """What an event claims: that all identities it names are one person's.

    `cause` is the event's id, `moment` when it happened (Unix ms).
    """
    found = named(event)
    claims = [_claim(secret, found[0], other, cause, moment) for other in found[1:]]
    receipts = [one for one in found if one.kind == ORDER_EMAIL]
    claims += [_claim(secret, Identity(EMAIL, one.value), one, cause, moment) for one in receipts]
    previous = (event.properties or {}).get("previous_id")
    if isinstance(event, Alias) and found and previous and previous not in (event.user_id, event.anonymous_id):
        for kind in (USER, ANONYMOUS):
            former = _claim(secret, found[0], Identity(kind, previous), cause, moment)
            claims.append(msgspec.structs.replace(former, explicit=kind == USER, guessed=True))
    return [claim for claim in claims if claim.one != claim.other]


def _claim(secret: bytes, one: Identity, other: Identity, cause: str, moment: int | None) -> Claim:
    ends = subject_of(secret, one.kind, one.value), subject_of(secret, other.kind, other.value)
    return Claim(ends[0], one, ends[1], other, cause, moment=moment)


class Linker:
    """Links what events claim; remembers for a while what was settled, so that not every event asks the graph."""

    def __init__(self, client: SyncRedis, secret: bytes, settings: Settings) -> None:
        self._client = client
        self._secret = secret
        self._settings = settings
        self._settled: OrderedDict[tuple[Subject, Subject], float] = OrderedDict()

    def news(self, events: Iterable[Accepted]) -> list[Claim]:
        """The claims of events that were not settled lately."""
        now = time.monotonic()
        telling = [one for one in events if not self._says_nothing(one.event, now)]
        claims = [
            claim
            for one in telling
            for claim in claims_of(self._secret, one.event, one.event_id, int(one.time.timestamp() * 1000))
        ]
        return [one for one in claims if one.explicit or self._settled.get((one.one, one.other), 0) < now]

    def _says_nothing(self, event: Event, now: float) -> bool:
        """Whether an event names at most a user and a browser of whom nothing is news, as nearly all do."""
        if isinstance(event, Alias) or (event.properties and IDENTITIES in event.properties):
            return False
        if not (event.user_id and event.anonymous_id):
            return True
        user = subject_of(self._secret, USER, event.user_id)
        return self._settled.get((user, subject_of(self._secret, ANONYMOUS, event.anonymous_id)), 0) >= now

    async def unlinked(self, wire: Wire, claims: Sequence[Claim]) -> list[Claim]:
        """Those of `claims` whose two ends are not one customer yet; what is said of the others is settled.

        One read, without a thread and without the lock: nearly all pairs that are named were linked long ago.

        Raises:
            StoreUnavailableError: Redis did not answer.
        """
        ends = list(dict.fromkeys(end for claim in claims for end in (claim.one, claim.other)))
        starts = await ask_all(wire, [("GETRANGE", keys.record(end), 0, _ALIAS_BYTES - 1) for end in ends])
        roots = {end: place_of(envelope.graph_of(start)).root or end for end, start in zip(ends, starts, strict=True)}
        self._settle(claim for claim in claims if roots[claim.one] == roots[claim.other])
        return [claim for claim in claims if roots[claim.one] != roots[claim.other]]

    def link(self, claims: Sequence[Claim]) -> int:
        """Links what is not linked yet; returns how many claims changed something. Waits for others who change it.

        Raises:
            StoreUnavailableError: it had to wait too long; ask again.
        """
        real = self._without_erased(self._without_phantoms(claims))
        roots = graph.roots(self._client, [end for claim in real for end in (claim.one, claim.other)])
        new = [claim for claim in real if roots[claim.one] != roots[claim.other]]
        changed = graph.link(self._client, new, self._settings) if new else 0
        self._settle(claims)
        return changed

    def _settle(self, claims: Iterable[Claim]) -> None:
        """Remembers that nothing is to be done about `claims` for a while."""
        until = time.monotonic() + _REMEMBERED_SECONDS
        self._settled |= {(claim.one, claim.other): until for claim in claims}
        while len(self._settled) > _REMEMBERED:
            self._settled.popitem(last=False)

    def _without_erased(self, claims: Sequence[Claim]) -> list[Claim]:
        """The claims but for those from before one of the two was erased."""
        ends = list(dict.fromkeys(end for claim in claims for end in (claim.one, claim.other)))
        pipe = self._client.pipeline(transaction=False)
        for end in ends:
            pipe.get(keys.gone(end, tombstone_of(self._secret, end)))
        gone = {end: int(value or -1) for end, value in zip(ends, pipe.execute(), strict=True)}
        return [one for one in claims if one.moment is None or one.moment > max(gone[one.one], gone[one.other])]

    def _without_phantoms(self, claims: Sequence[Claim]) -> list[Claim]:
        """An alias names a former id without its kind: of the two it may be, one nobody has heard of is left out."""
        known = {claim: self._known(claim.other) for claim in claims if claim.guessed}
        ids = {(claim.one, claim.other_is.value) for claim, there in known.items() if there}
        return [claim for claim in claims if known.get(claim, True) or (claim.one, claim.other_is.value) not in ids]

    def _known(self, subject: Subject) -> bool:
        header: Any = self._client.getrange(keys.record(subject), 0, envelope.HEADER_BYTES - 1)
        return envelope.is_known(header)
