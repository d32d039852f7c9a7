"""`etappe decide`: an answer on the terminal."""

import time
from typing import Annotated

import msgspec
from cyclopts import Parameter

from etappe.cli import show
from etappe.cli.options import HERE, Where
from etappe.errors import EtappeError
from etappe.ids import subject_of
from etappe.serving.answering.answer import Answer
from etappe.serving.decide import decide as decide_now
from etappe.serving.decide import state_of
from etappe.serving.moment import this_moment
from etappe.serving.request import DecideRequest, with_clean_ids
from etappe.store.records import customers
from etappe.wiring.store import Opened, opened

_PLACEMENT = "items"


def decide(
    *,
    user: Annotated[str | None, Parameter(help="user_id of the customer; a stranger without.")] = None,
    item: Annotated[str | None, Parameter(help="Item on the page.")] = None,
    limit: Annotated[int, Parameter(help="Length of the list, 1 to 100.")] = 10,
    locale: Annotated[str | None, Parameter(help="Language of titles, such as de-DE.")] = None,
    explain: Annotated[bool, Parameter(help="Show sources asked and what the gate left out.", negative="")] = False,
    json: Annotated[bool, Parameter(help="Print the answer as JSON.", negative="")] = False,
    where: Where = HERE,
) -> None:
    """Decide for one customer and print the answer."""
    request = _request(user, item, limit, locale, explain=explain)
    with opened(where.place(), writes_log=False) as here:
        answer = answer_in(here, request)
    show.as_json(answer) if json else _show(answer, user)


def answer_in(here: Opened, request: DecideRequest) -> Answer:
    """The answer a replica would give now, from this process."""
    state = None
    request = with_clean_ids(request, here.settings.values.nobodys())
    if request.customer.user_id:
        subject = subject_of(here.secret, "user_id", request.customer.user_id)
        record = customers.read_resolved(here.client, subject)
        state = state_of(record.base, record.tail, here.settings)
    view = here.view()
    began = time.perf_counter()
    made = decide_now(view, request, state, here.settings, this_moment())
    return made.answer(took_ms=round((time.perf_counter() - began) * 1000, 3))


def _request(user: str | None, item: str | None, limit: int, locale: str | None, *, explain: bool) -> DecideRequest:
    placement = {"name": _PLACEMENT, "limit": limit}
    body = {
        "customer": {"user_id": user} if user else {},
        "context": {"item": item} if item else {},
        "locale": locale,
        "placements": [placement],
        "explain": explain,
    }
    try:
        return msgspec.convert(body, DecideRequest)
    except msgspec.ValidationError as error:
        raise EtappeError(f"{error}; `etappe decide --help` shows what is possible") from error


def _show(answer: Answer, user: str | None) -> None:
    known = "known" if answer.customer.known else "a stranger"
    show.result(f"{user or 'nobody'} ({known}), snapshot {answer.snapshot or 'none yet'}, {answer.took_ms} ms")
    filled = answer.placements[_PLACEMENT]
    rows = [(one.id, one.title, one.price, one.source, one.reason.text) for one in filled.items or []]
    show.table(
        "", ("item", "title", "price", "source", "reason"), [(*row[:2], _price(row[2]), *row[3:]) for row in rows]
    )
    if filled.explanation is not None:
        left_out = ", ".join(f"{check} {count}" for check, count in filled.explanation.left_out.items())
        show.result(f"asked: {', '.join(filled.explanation.sources)}; left out: {left_out or 'nothing'}")


def _price(price: float | None) -> str:
    return "" if price is None else f"{price:.2f}"
