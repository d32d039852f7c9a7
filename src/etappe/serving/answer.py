"""What is answered. Fields that say nothing are left out."""

from typing import Any

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


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """How a list came about: the sources asked in turn, and how many candidates each rule left out."""

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


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision. `degraded` is there where Redis did not answer and the customer was treated as a stranger."""

    decision: str
    snapshot: str | None
    took_ms: float
    customer: AnsweredCustomer
    placements: dict[str, FilledPlacement]
    degraded: bool = False
