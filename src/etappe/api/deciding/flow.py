"""The way of one decision: one read, then computing (`serving/decide.py`), the rest behind the answer."""

import logging
import time
from contextlib import suppress
from typing import Final

import msgspec

from etappe.api import metrics
from etappe.api.deciding import replays
from etappe.api.deciding.lately import Key
from etappe.api.service import Service
from etappe.customers.state import State
from etappe.errors import DataError, GenerationError, StoreError
from etappe.events.identities import ANONYMOUS
from etappe.ids import Subject
from etappe.serving import record
from etappe.serving.answering.replay import replayed
from etappe.serving.decide import Decision, decide, state_of
from etappe.serving.moment import this_moment
from etappe.serving.request import DecideRequest
from etappe.store.decided.answers import Kept
from etappe.store.decided.decisions import Recorded
from etappe.store.records import customers
from etappe.store.records.customers import CustomerRecord
from etappe.store.wire import within

_ENCODER: Final = msgspec.json.Encoder()
_log = logging.getLogger("etappe.api")


async def answer(service: Service, request: DecideRequest, *, proven: bool = True) -> bytes:
    """The answer to `request`, encoded: one read, then computing, the rest behind the answer.

    Where it is not `proven` who asks, a browser that is linked to an account is answered by its own record.

    Raises:
        RefusedError: there is more to do than can be done in time.
    """
    async with service.admission.decisions.turn():
        return await _answer(service, request, proven=proven)


async def _answer(service: Service, request: DecideRequest, *, proven: bool) -> bytes:
    began = time.perf_counter()
    repeatable = replays.key_of(request, proven=proven)
    subjects = _subjects(service, request, repeatable)
    own = [] if proven else _browsers(service, request)
    found, degraded = await _read(service, subjects, repeatable, own)
    customer = next((one for one in found if one.found), None)
    state, degraded = _state(service, customer, request.channel, degraded)
    held_back = _seen_lately(service, request, [(one, one in own) for one in subjects]) if degraded else None
    if not degraded:
        _see(service, subjects, found, own, personal=state is not None)
    if repeatable and (kept := service.replays.find(subjects[0], repeatable, found[0].answer if found else b"")):
        with suppress(DataError):  # of another version of Etappe: as if it had not been kept
            return _again(service, kept, request, state)
    catalogue = service.replica.position
    made = decide(service.replica.view, request, state or held_back, service.settings, this_moment())
    took = time.perf_counter() - began
    encoded = made.encoded(round(took * 1000, 3), degraded=degraded)
    if repeatable:
        mine = Kept(encoded, personal=state is not None)
        settled = await service.replays.settle(subjects[0], repeatable, mine, degraded=degraded)
        if settled is not mine:
            return _again(service, settled, request, state)
    subject = customer.subject if customer and state is not None else b""
    _record(service, request, made, subject, catalogue, degraded=degraded)
    metrics.decided(took, degraded=degraded)
    return encoded


def _again(service: Service, kept: Kept, request: DecideRequest, state: State | None) -> bytes:
    """What was answered before, less what is forbidden by now. Nothing is recorded or consumed once more."""
    view, personal = service.replica.view, kept.personal
    return replayed(kept.answer, view, request, state, service.settings, time.time(), personal=personal)


def _state(
    service: Service, customer: CustomerRecord | None, channel: str, degraded: bool
) -> tuple[State | None, bool]:
    """The customer's state, and whether the answer is degraded: also where the record cannot be read."""
    if customer is None or degraded:
        return None, degraded
    try:
        if customer.account and customer.denies(unknown_denies=False, channel=channel):
            return None, False
        return state_of(customer.base, customer.tail, service.settings, channel), False
    except DataError as error:
        _log.warning("the record of customer %s cannot be read: %s", customer.subject.hex(), error)
        return None, True


def _see(
    service: Service, subjects: list[Subject], found: list[CustomerRecord], own: list[Subject], *, personal: bool
) -> None:
    """Remembers for a while the record that decides, in case that Redis does not answer."""
    for subject, customer in zip(subjects, found, strict=False):
        if customer.found:
            service.lately.saw((subject, subject in own), customer, personal=personal)
            return


def _seen_lately(service: Service, request: DecideRequest, keys: list[Key]) -> State | None:
    """What a degraded answer holds back all the same: what this process knows to be forbidden."""
    state = service.lately.forbidding(keys, request.channel)
    if state is not None:
        metrics.HELD_BACK.inc()
    return state


def _subjects(service: Service, request: DecideRequest, repeatable: str | None) -> list[Subject]:
    """Whose record to read: the user's before the visitor's; a stranger with a request_id has only that."""
    asked = request.customer
    named = (("user_id", asked.user_id), ("anonymous_id", asked.anonymous_id))
    subjects = [service.subject(kind, value) for kind, value in named if value]
    if not subjects and repeatable:
        return [service.subject("request_id", repeatable)]
    return subjects


def _browsers(service: Service, request: DecideRequest) -> list[Subject]:
    """The browser that is asked about."""
    browser = request.customer.anonymous_id
    return [service.subject(ANONYMOUS, browser)] if browser else []


async def _read(
    service: Service, subjects: list[Subject], request_id: str | None, own: list[Subject]
) -> tuple[list[CustomerRecord], bool]:
    """The records, and whether Redis failed to answer in its budget, or has lost what it had."""
    try:
        await service.be_current()
        if not subjects:
            return [], False
        async with within(service.budget):
            return await customers.read(service.wire, subjects, request_id, own, service.standing), False
    except GenerationError:
        metrics.SET_BACK.inc()
        return [], True
    except (StoreError, TimeoutError):
        return [], True


def _record(
    service: Service,
    request: DecideRequest,
    made: Decision,
    subject: Subject | bytes,
    catalogue: str,
    *,
    degraded: bool,
) -> None:
    dropped = service.decisions.dropped
    told = record.record_of(request, made, catalogue=catalogue, settings_digest=service.digest, degraded=degraded)
    kept = _ENCODER.encode(told)
    service.decisions.add(Recorded(made.moment.decision, int(made.moment.now * 1000), subject, kept))
    if service.decisions.dropped > dropped:
        metrics.RECORDS_DROPPED.inc(service.decisions.dropped - dropped)
