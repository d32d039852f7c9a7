"""What a serving process knows of requests that were answered before: in Redis, else by itself."""

import hashlib
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import msgspec
from litestar.exceptions import HTTPException

from etappe.errors import StoreError
from etappe.ids import Subject
from etappe.serving.request import DecideRequest
from etappe.settings import Settings
from etappe.store.decided import answers
from etappe.store.decided.answers import Kept, Nearby
from etappe.store.wire import Wire, within

_ENCODER: Final = msgspec.json.Encoder()


def key_of(request: DecideRequest, *, proven: bool = True) -> str | None:
    """What a repeated request is known by: its id, what it asks for, and whether that is proven; ids are anybody's."""
    if not request.request_id:
        return None
    proof = b"" if proven else b"unproven"
    return hashlib.blake2b(_ENCODER.encode(request), digest_size=16, person=proof).hexdigest()


class Replays:
    """Finds and keeps answers. Those that Redis did not take in time are kept here."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._wire = wire
        self._settings = settings
        self._budget = settings.store.budget_ms / 1000
        self._nearby = Nearby()

    def find(self, subject: Subject, key: str, in_redis: bytes) -> Kept | None:
        """The answer given before: as Redis has it, else as this process gave it while Redis could not be had."""
        value = in_redis or self._nearby.get(subject, key)
        return answers.unpacked(value) if value else None

    async def settle(self, subject: Subject, key: str, made: Kept, *, degraded: bool) -> Kept:
        """The answer that counts for this request: ours, unless another was given meanwhile.

        Raises:
            HTTPException: 422; it is too long to be kept.
        """
        value = answers.packed(made)
        if not answers.fits(value, subject, key, self._settings):
            raise HTTPException(
                status_code=HTTPStatus.UNPROCESSABLE_ENTITY,
                detail=f"the answer has {len(made.answer):,} bytes, too many to be kept for a repeated request_id;"
                " ask for fewer items, or leave request_id out",
            )
        with suppress(TimeoutError, StoreError):
            async with within(0 if degraded else self._budget):
                kept = await answers.keep(self._wire, subject, key, value, self._settings)
            return made if kept == value else answers.unpacked(kept) or made
        self._nearby.put(subject, key, value, self._settings.store.answer_seconds)
        return made
