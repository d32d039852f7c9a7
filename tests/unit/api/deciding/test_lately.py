"""What a process remembers of customers whom it has seen lately."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from etappe.api.deciding.lately import KEPT_SECONDS, Lately
from etappe.customers import records
from etappe.customers.records import IGNORED
from etappe.events.intake import Accepted
from etappe.events.vocabulary import Ignore, Purchase, SetConsent, ViewItem
from etappe.ids import Subject, item_hash
from etappe.settings import Consent, Settings
from etappe.store.ingesting.ingest import subject_for
from etappe.store.records.customers import CustomerRecord

SECRET = b"secret"
WHO, OTHER = Subject(bytes(16)), Subject(bytes(15) + b"1")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
Time = Callable[[float], None]


@pytest.fixture
def now() -> list[float]:
    """The time that it is."""
    return [1000.0]


@pytest.fixture
def lately(now: list[float]) -> Lately:
    """The memory of a process."""
    return Lately(Settings(), clock=lambda: now[0])


def _tail(*events: Ignore | Purchase | ViewItem) -> bytes:
    told = [records.encode(event, f"e{number}", NOW + timedelta(seconds=number)) for number, event in enumerate(events)]
    return b"".join(told)


def _record(*items: str) -> CustomerRecord:
    return CustomerRecord(WHO, tail=_tail(*(Ignore(item_id=item) for item in items)))


def _ignored(lately: Lately, *keys: tuple[Subject, bool], channel: str = "web") -> set[int] | None:
    state = lately.forbidding(keys or ((WHO, False),), channel)
    return None if state is None else set(state.items["item"][state.items["flags"] & IGNORED > 0].tolist())


def _accepted(event: Ignore | Purchase | SetConsent | ViewItem, **more: object) -> Accepted:
    return Accepted(0, event, "id", NOW, **more)  # type: ignore[arg-type]


def test_who_was_seen_is_remembered_for_a_while(lately: Lately, now: list[float]) -> None:
    """What the record forbids is known until it lapses; of somebody else nothing is."""
    lately.saw((WHO, False), _record("a"), personal=True)
    assert _ignored(lately) == {item_hash("a")}
    assert _ignored(lately, (OTHER, False)) is None
    now[0] += KEPT_SECONDS - 1
    assert _ignored(lately) == {item_hash("a")}
    now[0] += 1
    assert _ignored(lately) is None


def test_the_latest_record_counts(lately: Lately) -> None:
    """A record that is read later takes the place of the earlier; one that may not be used any more leaves nothing."""
    lately.saw((WHO, False), _record("a"), personal=True)
    lately.saw((WHO, False), _record("a", "b"), personal=True)
    assert _ignored(lately) == {item_hash("a"), item_hash("b")}
    lately.saw((WHO, False), _record("a"), personal=False)
    assert _ignored(lately) is None
    assert len(lately) == 0


def test_browser_without_proof_has_a_memory_of_its_own(lately: Lately) -> None:
    """What an account's record forbids is not told to a browser that proved nothing, nor the other way round."""
    lately.saw((WHO, False), _record("a"), personal=True)
    lately.saw((WHO, True), _record("b"), personal=True)
    assert _ignored(lately, (WHO, True)) == {item_hash("b")}
    assert _ignored(lately, (WHO, False)) == {item_hash("a")}


def test_first_who_was_seen_counts(lately: Lately) -> None:
    """Of a user and their visitor the first that is remembered decides, as when they are read."""
    lately.saw((OTHER, False), _record("b"), personal=True)
    assert _ignored(lately, (WHO, False), (OTHER, False)) == {item_hash("b")}


def test_what_was_accepted_since_counts(lately: Lately) -> None:
    """What is ignored or bought after the record was read is held back, also of somebody whose record was never read."""
    event = Ignore(user_id="u", item_id="x")
    subject = subject_for(SECRET, event)[0]
    lately.heard(SECRET, [_accepted(event), _accepted(ViewItem(user_id="u", item_id="y"))])
    assert _ignored(lately, (subject, False)) == {item_hash("x")}
    lately.saw((subject, False), CustomerRecord(subject, tail=_tail(Ignore(item_id="a"))), personal=True)
    lately.heard(SECRET, [_accepted(Purchase(user_id="u", item_id="z", order_id="o"))])
    state = lately.forbidding([(subject, False)], "web")
    assert state is not None
    assert set(state.items["item"].tolist()) == {item_hash("a"), item_hash("z")}


def test_flagged_and_private_events_forbid_nothing(lately: Lately) -> None:
    """What does not count for the record does not count here."""
    event = Ignore(user_id="u", item_id="x")
    lately.heard(SECRET, [_accepted(event, flag="unproven"), _accepted(event, private=True)])
    assert len(lately) == 0


def test_consent_and_erasure_drop_it(lately: Lately) -> None:
    """Any word on consent, and being forgotten, leave nothing."""
    event = Ignore(user_id="u", item_id="x")
    subject = subject_for(SECRET, event)[0]
    lately.heard(SECRET, [_accepted(event)])
    lately.heard(SECRET, [_accepted(SetConsent(user_id="u", properties={"personalisation": False}))])
    assert _ignored(lately, (subject, False)) is None
    lately.heard(SECRET, [_accepted(event)])
    lately.forget(subject)
    assert _ignored(lately, (subject, False)) is None


def test_unknown_consent_that_denies_holds_nothing_back(now: list[float]) -> None:
    """Where a shop needs opt-in, who said nothing is a stranger here, too."""
    opt_in = Lately(Settings(consent=Consent(unknown="deny")), clock=lambda: now[0])
    opt_in.saw((WHO, False), _record("a"), personal=True)
    assert _ignored(opt_in) is None


def test_damaged_record_holds_nothing_back(lately: Lately) -> None:
    """Bytes that are no record are passed over."""
    lately.saw((WHO, False), CustomerRecord(WHO, base=b"nonsense", tail=b"x"), personal=True)
    assert _ignored(lately) is None


def test_memory_has_a_bound(now: list[float]) -> None:
    """Of too many the ones seen first go; one that is too large alone is not kept."""
    record = _record("a")
    few = Lately(Settings(), most_bytes=3 * (len(record.tail) + 300), clock=lambda: now[0])
    for number in range(5):
        few.saw((Subject(bytes([number]) * 16), False), record, personal=True)
    assert len(few) == 3
    assert _ignored(few, (Subject(bytes([1]) * 16), False)) is None
    assert _ignored(few, (Subject(bytes([4]) * 16), False)) is not None
    few.saw((WHO, False), _record(*map(str, range(100))), personal=True)
    assert len(few) == 0
