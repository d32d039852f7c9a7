"""Imported rows name their persons as events that come in over HTTP do."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from etappe.customers.identity import Claim
from etappe.events import identities
from etappe.events.identities import Identity, hashed_email, named
from etappe.events.intake import read_event
from etappe.ids import Subject, subject_of
from etappe.importing.judging import identify, persons
from etappe.log.schema import EVENT
from etappe.store.identities.linking import claims_of

SECRET = b"k" * 32
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
IDS = ("user_id", "anonymous_id")
SAID: list[tuple[str, dict[str, Any]]] = [
    ("identify", {"email": "Ada@example.com", "phone": "+1 23", "vip": True}),
    ("login", {"loyalty_card": 77}),
    ("purchase", {"email": "ada@example.com"}),
    ("view_item", {"identities": {"device": "d", "external:crm": "5"}}),
    ("share", {"email": "bob@example.com"}),
    ("view_item", {"size": 44}),
    ("set_traits", {"\u0065mail": "ada@example.com"}),
    ("alias", {"previous_id": "before"}),
]


def _rows(*changes: dict[str, Any]) -> pl.DataFrame:
    """Rows as an importer has them once they are typed."""
    blank = {name: None for name in EVENT if name not in ("subject", "received", "source")}
    rows = [
        blank | {"event_id": f"e{number}", "event": "view_item", "time": BEGIN + timedelta(minutes=number)} | change
        for number, change in enumerate(changes)
    ]
    frame = pl.DataFrame(rows, schema={name: EVENT[name] for name in blank})
    return frame.with_row_index("line").with_columns(pl.col("line").cast(pl.Int64), pl.lit(None).alias("content"))


def _properties(said: Any) -> dict[str, Any]:
    return {"properties": json.dumps(said)}


def _claims(rows: pl.DataFrame) -> list[Claim]:
    return persons.claims(rows.lazy(), SECRET)


@pytest.mark.parametrize(("event", "said"), SAID, ids=[event for event, _ in SAID])
def test_settled_as_over_http(event: str, said: dict[str, Any]) -> None:
    """Identities in a file are normalised and hashed exactly as the API does it, and claim exactly the same."""
    whole = {"event_id": "e0", "event": event, "user_id": "u", "item_id": "i", "order_id": "o", "properties": said}
    one = read_event(json.dumps(whole).encode(), BEGIN)
    rows = persons.settled(_rows({"event": event, "user_id": "u"} | _properties(said)))
    assert one.event.properties == json.loads(rows["properties"][0])
    first = named(one.event)[0]
    assert identify.with_subjects(rows, SECRET)["subject"].to_list() == [subject_of(SECRET, first.kind, first.value)]
    assert set(claims_of(SECRET, one.event, "e0")) == set(_claims(rows))


def test_subject_is_the_surest_identity() -> None:
    """A row without a user_id belongs to the surest identity it names, before the browser if that is surer."""
    card = _properties({"identities": {"loyalty_card": "7"}})
    rows = _rows({"anonymous_id": "b"} | card, card, {"user_id": "u"} | card, {"anonymous_id": "b"}, {})
    device = {"anonymous_id": "b"} | _properties({"identities": {"device": "d"}})
    found = identify.with_subjects(pl.concat([rows, _rows(device)]), SECRET)["subject"].to_list()
    expected = [("loyalty_card", "7")] * 2 + [("user_id", "u"), ("anonymous_id", "b"), None, ("anonymous_id", "b")]
    assert [one and subject_of(SECRET, *one) for one in expected] == found


def test_wrong_identities_are_rejected_with_their_field() -> None:
    """A row with what is no identity is rejected for it; a reason it has already stays, others are left alone."""
    wrong = _properties({"identities": {"email_sha256": "no hash"}})
    rows = _rows(wrong, wrong, {}, {"properties": "{"}, {"event": "no event"} | wrong)
    found = persons.settled(rows.with_columns(pl.Series("reason", [None, "before", None, None, None])))
    field = "properties.identities.email_sha256: no identity"
    assert [field, "before", None, None, None] == found["reason"].to_list()
    assert found["properties"].to_list() == rows["properties"].to_list()


def test_rows_that_name_nothing_stay_as_they_are() -> None:
    """Rows without identities are not even looked at."""
    rows = _rows({"user_id": "u"} | _properties({"size": 44}), {})
    assert rows.equals(persons.settled(rows))
    bare = rows.drop("properties")
    assert bare.equals(persons.settled(bare))


def test_pair_is_claimed_once_by_its_first_row() -> None:
    """User and browser in one row are one person, by the earliest row that says so, whatever their order in the file."""
    late, early = {"time": BEGIN + timedelta(days=2)}, {"time": BEGIN + timedelta(days=1)}
    pair = {"user_id": "u", "anonymous_id": "b"}
    found = _claims(_rows(pair | late, pair | early, {"user_id": "u"}, {"anonymous_id": "c"}))
    user, browser = (subject_of(SECRET, kind, value) for kind, value in (("user_id", "u"), ("anonymous_id", "b")))
    assert found == [Claim(user, Identity("user_id", "u"), browser, Identity("anonymous_id", "b"), "e1")]


def test_claims_come_in_order_of_time() -> None:
    """Who was first with a browser is first in the claims, since the graph goes by their order."""
    rows = _rows(
        {"user_id": "second", "anonymous_id": "b", "time": BEGIN + timedelta(days=2)},
        {"user_id": "first", "time": BEGIN} | _properties({"identities": {"device": "d"}}),
        {"user_id": "first", "anonymous_id": "b", "time": BEGIN + timedelta(days=1)},
    )
    assert [claim.cause for claim in _claims(rows)] == ["e1", "e2", "e0"]


def test_claim_is_caused_by_content_where_there_is_no_id() -> None:
    """A row without an event_id is named by what it says."""
    rows = _rows({"event_id": None, "user_id": "u", "anonymous_id": "b"}).with_columns(pl.lit("hash").alias("content"))
    assert [claim.cause for claim in _claims(rows)] == ["hash"]


def test_receipt_joins_its_address() -> None:
    """A receipt's address and the same address elsewhere are one person's: so sales at the till join the online trail."""
    said = {"order_email": "ada@example.com"}
    rows = persons.settled(_rows({"event": "purchase", "user_id": "u"} | _properties(said)))
    receipt, address = ((kind, hashed_email("ada@example.com")) for kind in (identities.ORDER_EMAIL, identities.EMAIL))
    ends = {(claim.one, claim.other) for claim in _claims(rows)}
    assert (_subject(*address), _subject(*receipt)) in ends


def _subject(kind: str, value: str) -> Subject:
    return subject_of(SECRET, kind, value)
