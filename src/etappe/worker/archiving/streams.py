"""What waits in the streams, held against what the log has of them.

Archived entries are trimmed, so what a stream begins with is new, with two exceptions: the archiver was killed before
it trimmed, or Redis has lost what it had and gives ids again that lie before the last one in the log. Entries at or
below that id are therefore called `earlier`, and go into the log unless it has them. Where a stream ends below it, the
log takes up the stream's end as the last id.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from etappe.store import keys
from etappe.store.config import journal
from etappe.store.ingesting import rows
from etappe.store.server.connection import SyncRedis
from etappe.worker.archiving.entries import Entry

PER_STREAM: Final = 1_000
"""Entries that are read of a stream at a time; one may hold hundreds of events."""
OF_JOURNAL: Final = 32
"""Entries that are read of the journal at a time: each of an import of a catalogue has hundreds of items."""
_PARTITIONS: Final = frozenset(keys.streams())
_READINGS: Final = 10
"""Tries to see a stream and its numbers at one moment; by then they are no further apart than what came in between."""
_log = logging.getLogger("etappe.archive")

_Raw = list[tuple[bytes, dict[bytes, bytes]]]


class Waiting(msgspec.Struct, frozen=True):
    """Entries of a stream, the oldest first: up to the log's last id, and after it.

    `more` where the stream may have more of them; `count` is how many Redis had ever added when it added the last of
    these, None where it does not say.
    """

    stream: str
    earlier: list[Entry]
    fresh: list[Entry]
    more: bool
    count: int | None = None

    @property
    def last(self) -> str:
        """The id of the last entry."""
        return (self.fresh or self.earlier)[-1].place

    @property
    def position(self) -> str | None:
        """The id that the log has read up to with these; None where that stays as it was."""
        return None if self.more and not self.fresh else self.last


def read(client: SyncRedis, known: Mapping[str, str], counts: Mapping[str, int], most: int) -> list[Waiting]:
    """What waits in each stream where something does, at most `most` entries of each.

    `known` are the log's last ids, `counts` the numbers of those entries where Redis said them.
    """
    names = [*keys.streams(), keys.IDENTITY_STREAM]
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.xrange(name, "-", "+", count=most)
    found = [_split(name, raw, known, most) for name, raw in zip(names, pipe.execute(), strict=True)]
    found += [_journal(client, known, min(most, OF_JOURNAL)), _decisions(client, known, counts, most)]
    waiting = [one for one in found if one.earlier or one.fresh]
    for one in waiting:
        _tell_loss(one, known)
    return waiting


def trim(client: SyncRedis, waiting: list[Waiting]) -> None:
    """Drops what is in the log now. The journal is trimmed elsewhere: replicas still read it."""
    pipe = client.pipeline(transaction=False)
    for one in waiting:
        if one.stream != keys.CONFIG_STREAM:
            milliseconds, sequence = journal.ordered(one.last)
            pipe.xtrim(one.stream, minid=f"{milliseconds}-{sequence + 1}", approximate=False)
    pipe.execute()


def _split(name: str, raw: _Raw, known: Mapping[str, str], most: int, count: int | None = None) -> Waiting:
    entries = [entry for place, fields in raw for entry in _entries(name, place.decode(), fields)]
    if name not in known:
        return Waiting(name, [], entries, len(raw) == most, count)
    last = journal.ordered(known[name])
    new = next((at for at, entry in enumerate(entries) if journal.ordered(entry.place) > last), len(entries))
    return Waiting(name, entries[:new], entries[new:], len(raw) == most, count)


def _entries(name: str, place: str, fields: dict[bytes, bytes]) -> list[Entry]:
    """An entry of a stream; each of its events where its fields are rows."""
    if rows.FIRST not in fields or name not in _PARTITIONS:
        return [Entry(name, place, fields)]
    return [Entry(name, place, {number: row}) for number, row in fields.items()]


def _journal(client: SyncRedis, known: Mapping[str, str], most: int) -> Waiting:
    """The journal keeps what is archived: only where it ends below the log's last id all of it is looked at."""
    name = keys.CONFIG_STREAM
    raw: Any = client.xrange(name, f"({known[name]}" if name in known else "-", "+", count=most)
    if not raw and name in known:
        newest: Any = client.xrevrange(name, count=1)
        if newest and journal.ordered(newest[0][0].decode()) < journal.ordered(known[name]):
            whole: Any = client.xrange(name)
            return _split(name, whole, known, len(whole) + 1)
    return _split(name, raw, known, most)


def _decisions(client: SyncRedis, known: Mapping[str, str], counts: Mapping[str, int], most: int) -> Waiting:
    """Decision records, and a warning where Redis has dropped some before they were archived."""
    name = keys.DECISION_STREAM
    raw, info = _with_info(client, name, most)
    if info is None or "entries-added" not in info:
        return _split(name, raw, known, most)  # there is no such stream yet, or Redis is older than 7.0
    gone = int(info["entries-added"]) - int(info["length"])
    lost = gone - counts.get(name, gone)
    if lost > 0 and raw:
        _log.warning("%d decision records were dropped before they were archived: store.decision_stream is full", lost)
    return _split(name, raw, known, most, gone + len(raw))


def _with_info(client: SyncRedis, name: str, most: int) -> tuple[_Raw, dict[str, Any] | None]:
    """The first entries of a stream, and what Redis says of it while those are the first; None without a stream.

    Not by MULTI: a full Redis refuses all that is inside.
    """
    for _ in range(_READINGS):
        pipe = client.pipeline(transaction=False)
        pipe.xrange(name, "-", "+", count=most)
        pipe.xinfo_stream(name)
        raw, info = pipe.execute(raise_on_error=False)
        if isinstance(raw, Exception):
            raise raw
        if isinstance(info, Exception):
            return raw, None
        first = info.get("first-entry")
        if (first[0] if first else None) == (raw[0][0] if raw else None):
            break
    return raw, info


def _tell_loss(waiting: Waiting, known: Mapping[str, str]) -> None:
    name, last = waiting.stream, waiting.last
    if not waiting.more and name in known and journal.ordered(last) < journal.ordered(known[name]):
        _log.warning(
            "%s ends at %s, the log has read it up to %s: Redis has lost what it had. What it has now is archived as"
            " far as the log does not have it; docs/decisions/0014-compaction.md says more",
            name,
            last,
            known[name],
        )
