"""What a browser is that did not prove whom it speaks for: it has a record of its own, without any account's history.

A browser that belongs to nobody else has its record as any customer. Once it is linked to an account its events count
there, and what it had and what it sends without proof stands in a second record too, under `ids.browser_of` its
subject. That record is read for it alone, and consent in it decides for this browser alone; the account's denial holds
for it as well.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from etappe.customers import records
from etappe.customers.stated.consent import DENIED, GRANTED, verdict_of
from etappe.errors import DataError
from etappe.events import traffic, trust
from etappe.events.identities import ANONYMOUS
from etappe.events.intake import Accepted
from etappe.events.vocabulary import SetConsent
from etappe.ids import Subject, browser_of, subject_of
from etappe.settings import Settings
from etappe.store import keys, scripts
from etappe.store.ingesting.ingest import Outcome, subject_for
from etappe.store.records import customers, envelope
from etappe.store.records.customers import CustomerRecord
from etappe.store.server.failures import translated
from etappe.store.wire import Wire, ask_script


class Judged(msgspec.Struct, frozen=True):
    """Events as they are to be taken, and what each browser was that sent some of them without proof."""

    events: list[Accepted]
    browsers: dict[Subject, CustomerRecord]


async def judge(wire: Wire, secret: bytes, events: Sequence[Accepted]) -> Judged:
    """What of events without proof may count, and for whom. One read, where one of them names a browser.

    Raises:
        StoreUnavailableError: Redis did not answer.
    """
    if all(one.proven for one in events):
        return Judged(list(events), {})
    asked = [browser for one in events if (browser := _browser(secret, one)) is not None]
    subjects = list(dict.fromkeys(asked))
    found = await customers.read(wire, subjects, own=subjects) if subjects else []
    browsers = dict(zip(subjects, found, strict=True))
    denying = {browser for browser, one in browsers.items() if _denies(one)}
    return Judged([_judged(secret, one, browsers, denying) for one in events], browsers)


async def keep(wire: Wire, secret: bytes, judged: Judged, outcomes: Sequence[Outcome], settings: Settings) -> None:
    """Adds what browsers sent without proof to their own records, where that is another than it went to already.

    Raises:
        StoreUnavailableError: Redis did not answer; what is missing is added when the batch is repeated.
        StoreError: Redis refuses to write; the same holds.
    """
    if not judged.browsers:
        return
    kept: dict[Subject, list[bytes]] = defaultdict(list)
    for one, outcome in zip(judged.events, outcomes, strict=True):
        browser = _browser(secret, one)
        if browser is not None and outcome is not Outcome.ERASED and _is_kept(secret, one, judged, browser, settings):
            kept[browser].append(records.encode(one.event, one.event_id, one.time))
    with translated("the events"):
        for browser, told in kept.items():
            await ask_script(wire, scripts.OWN, keys.of_browser(browser), [*_bounds(browser, settings), *told])


def _bounds(browser: Subject, settings: Settings) -> list[Any]:
    limit = settings.store.tail_limit * records.WIDTH
    day = envelope.day_of(time.time())
    return [limit, envelope.SPOKEN, day, browser, browser_of(browser), b"", b""]


def _browser(secret: bytes, one: Accepted) -> Subject | None:
    """The browser that an event without proof names."""
    if one.proven or not one.event.anonymous_id:
        return None
    return subject_of(secret, ANONYMOUS, one.event.anonymous_id)


def _judged(secret: bytes, one: Accepted, browsers: dict[Subject, CustomerRecord], denying: set[Subject]) -> Accepted:
    """`denying` are the browsers that deny personalisation so far; what the event says of that is noted there."""
    if one.proven:
        return one
    browser = _browser(secret, one)
    if browser is not None and isinstance(one.event, SetConsent):
        _hear(one.event, browser, denying)
    elif browser in denying:
        return msgspec.structs.replace(one, private=True)
    account = one.event.user_id or (browser is not None and browsers[browser].account)
    if account and trust.may_change_account(one.event):
        return msgspec.structs.replace(one, flag=trust.UNPROVEN)
    return one


def _denies(record: CustomerRecord) -> bool:
    """Whether a browser said that there is to be no personalisation; of a damaged record nobody can tell."""
    with suppress(DataError):
        return record.browser_denies(unknown_denies=False)
    return False


def _hear(event: SetConsent, browser: Subject, denying: set[Subject]) -> None:
    said = verdict_of(event.properties or {})
    if said == DENIED:
        denying.add(browser)
    elif said == GRANTED:
        denying.discard(browser)


def _is_kept(secret: bytes, one: Accepted, judged: Judged, browser: Subject, settings: Settings) -> bool:
    """Whether an event goes to a browser's own record as well: with its consent, and the account's.

    Unwanted traffic does not, nor what the record got already where the browser is a customer of its own.
    """
    record = judged.browsers[browser]
    if record.account is None and subject_for(secret, one.event)[0] == browser:
        return False
    if isinstance(one.event, SetConsent):
        return True
    if one.private or traffic.flag_of(one.event) is not None:
        return False
    with suppress(DataError):  # nothing is added to what cannot be read
        return not record.denies(unknown_denies=settings.consent.unknown == "deny")
    return False
