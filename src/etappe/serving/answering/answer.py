"""What is answered, and how it is put together. Fields that say nothing are left out.

An answer is put together from JSON that is there already: the fragments of items (`catalog/fragments.py`).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an item is shown, in words and in numbers that an independent query over the log gives as well.

    `customers` (or `orders`) of `of` is told only where it speaks of at least ten.
    """

    kind: str
    text: str
    with_: str | None = msgspec.field(name="with", default=None)
    customers: int | None = None
    orders: int | None = None
    of: int | None = None


class ShownItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item in its place. `score` is relative to the best candidate of the same source."""

    id: str
    title: str
    score: float
    source: str
    reason: Reason
    price: float | None = None
    currency: str | None = None
    category: str | None = None
    url: str | None = None
    image: str | None = None
    lowest_30d: float | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """How a list came about: the sources asked in turn, and how many candidates each check left out."""

    sources: list[str]
    left_out: dict[str, int]


class FilledPlacement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One filled placement: `items` or `content`, as it was asked for."""

    items: list[ShownItem] | None = None
    content: list[Any] | None = None
    explanation: Explanation | None = None


class AnsweredCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """Who the customer is to us. Stage, segments and persona are empty until their models are there."""

    known: bool
    stage: dict[str, Any] | None = None
    segments: list[str] = []
    persona: str | None = None


STRANGER: Final = AnsweredCustomer(known=False)


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision. `degraded` is there where Redis did not answer and the customer was treated as a stranger."""

    decision: str
    snapshot: str | None
    took_ms: float
    customer: AnsweredCustomer
    placements: dict[str, FilledPlacement]
    degraded: bool = False


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Answer)
_SHOWN: Final = msgspec.json.Decoder(list[ShownItem])


def filled_with(items: list[bytes], explanation: Explanation | None = None) -> bytes:
    """The JSON of a `FilledPlacement` of items."""
    explained = b"" if explanation is None else b',"explanation":%b' % _ENCODER.encode(explanation)
    return b'{"items":[%b]%b}' % (b",".join(items), explained)


def content_of(pieces: list[Any]) -> bytes:
    """The JSON of a `FilledPlacement` of pieces."""
    return _ENCODER.encode(FilledPlacement(content=pieces))


def encoded(
    *,
    decision: str,
    snapshot: str | None,
    took_ms: float,
    customer: AnsweredCustomer,
    placements: Mapping[str, bytes],
    degraded: bool,
) -> bytes:
    """The JSON of an `Answer`; `placements` are JSON already."""
    filled = b",".join(b"%b:%b" % (_ENCODER.encode(name), placement) for name, placement in placements.items())
    return b'{"decision":"%b","snapshot":%b,"took_ms":%b,"customer":%b,"placements":{%b}%b}' % (
        decision.encode(),
        _ENCODER.encode(snapshot),
        _ENCODER.encode(took_ms),
        _ENCODER.encode(customer),
        filled,
        b',"degraded":true' if degraded else b"",
    )


def decoded(answer: bytes) -> Answer:
    """The answer in JSON.

    Raises:
        msgspec.MsgspecError: it is none, or of another version.
    """
    return _DECODER.decode(answer)


def decoded_items(items: list[bytes]) -> list[ShownItem]:
    """The items of a list in JSON."""
    return _SHOWN.decode(b"[%b]" % b",".join(items))
