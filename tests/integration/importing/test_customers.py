"""Tables of customers, into the log."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from tests.integration.importing.conftest import SECRET, Shop

from etappe.errors import InputError
from etappe.events.identities import hashed_email
from etappe.ids import subject_of
from etappe.importing.judging.report import ImportReport
from etappe.importing.mapping import customers, looking, mapping
from etappe.importing.mapping.customers import AsOf
from etappe.settings import Settings
from etappe.store.identities import tombstones

WRITTEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADER = (
    "Kundennummer;Vorname;E-Mail;Kundenkarte;CRM-ID;Haushalt;Firma;PLZ;Punkte;Geburtsdatum;Newsletter;Einwilligung SMS;"
    "Einwilligung am;Einwilligungsquelle;Textversion\n"
)
ROWS = (
    "K1;Jana;Jana@Example.org;LC-1;C-77;H1;ACME;01067;12,5;13.04.1985;ja;nein;01.02.2026 10:00;Kasse;v2\n"
    "K2;;;;;H1;;04109;;;nein;;;Web;v2\n"
    "K3;;;;;;;;;;ja;;02.02.2026;Web;v3\n"
)


def _bring(shop: Shop, text: str, *, stated: bool = False, told: str | None = None, **options: Any) -> ImportReport:
    shop.folder.mkdir(exist_ok=True)
    path = shop.folder / "crm.csv"
    path.write_text(text, encoding="utf-8")
    guessed = told or looking.look(path, Settings(), "customers", trying=False).text
    form = customers.format_of(mapping.parsed(guessed, Path("mapping.toml")), AsOf(WRITTEN, stated))
    return shop.bring(path, "customers", read_as=form, **options)


def _said(shop: Shop, event: str, user: str) -> tuple[datetime, dict[str, Any]]:
    row = shop.events().filter(pl.col("event") == event, pl.col("user_id") == user).row(0, named=True)
    return row["time"], msgspec.json.decode(row["properties"])


def test_a_row_says_who_somebody_is_and_what_is_known_of_them(shop: Shop) -> None:
    """Identities hashed where they are addresses, groups, typed traits; names of people are left out."""
    report = _bring(shop, HEADER + ROWS)
    assert report.events == {"identify": 1, "set_traits": 1, "set_consent": 1}
    assert report.derived == 2
    time, said = _said(shop, "identify", "K1")
    assert time == WRITTEN
    assert said == {
        "household": "H1", "company": "ACME", "zip": "01067", "points": 12.5, "birthday": "1985-04-13",
        "identities": {
            "email_sha256": hashed_email("jana@example.org"), "loyalty_card": "LC-1", "external:crm": "C-77",
        },
    }  # fmt: skip
    assert {claim.cause for claim in report.claims} != set()


def test_consents_have_their_time_source_and_text(shop: Shop) -> None:
    """By purpose; one event for those of one row. A denial without a time counts from when the file was written."""
    _bring(shop, HEADER + ROWS)
    time, said = _said(shop, "set_consent", "K1")
    assert time == datetime(2026, 2, 1, 10, tzinfo=UTC)
    assert {name: said[name] for name in ("email", "sms", "source", "text_version")} == {
        "email": True, "sms": False, "source": "Kasse", "text_version": "v2",
    }  # fmt: skip
    assert _said(shop, "set_consent", "K2") == (WRITTEN, {"email": False, "source": "Web", "text_version": "v2"})


def test_the_same_table_again_adds_nothing(shop: Shop) -> None:
    """Neither rows nor what is derived of them."""
    _bring(shop, HEADER + ROWS)
    before = shop.events().height
    again = _bring(shop, HEADER + ROWS)
    assert (again.events, again.derived, again.duplicates, shop.events().height) == ({}, 0, 3, before)


def test_a_grant_without_a_time_is_rejected_whole(shop: Shop) -> None:
    """It might undo a later withdrawal; where somebody says when the file was exported, it counts from then."""
    row = "K9;;;;;;;04109;;;ja;;;Web;v2\n"
    report = _bring(shop, HEADER + row + ROWS)
    assert report.rejected == {
        "consent_time: missing where consent to email or sms is granted; give it a column, or say when the file was exported"
        " by --as-of": 1
    }
    assert shop.events().filter(pl.col("user_id") == "K9").is_empty()
    _bring(shop, HEADER + row, stated=True)
    assert _said(shop, "set_consent", "K9")[0] == WRITTEN


def test_consents_that_name_no_time_at_all_ask_for_one(shop: Shop) -> None:
    """Before anything is read."""
    with pytest.raises(InputError, match="--as-of"):
        _bring(shop, "Kundennummer;Newsletter\nK1;ja\n", stated=False)
    report = _bring(shop, "Kundennummer;Newsletter\nK1;ja\n", stated=True)
    assert report.events == {"set_consent": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("K4;;;;;;;;;;vielleicht;;02.02.2026;Web;v3\n", "consent.email: neither yes nor no"),
        ("K5;;;;;;;04109;;;ja;;99.99.2026;Web;v3\n", "timestamp: not a time"),
        ("K6;;;;;;;;;;;;;;\n", "row: says nothing of the customer"),
        (";;;;;;;04109;;;;;;;\n", "user_id: nobody"),
    ],
)
def test_a_row_is_rejected_whole(shop: Shop, row: str, reason: str) -> None:
    """Whatever of it is wrong: no trait comes in beside a consent that cannot be read."""
    report = _bring(shop, HEADER + row + ROWS)
    refused = shop.refused(report)
    assert [one["line"] for one in refused] == [2]
    assert refused[0]["reason"].startswith(reason)
    assert shop.events().filter(pl.col("user_id").is_in(["K4", "K5", "K6"])).is_empty()


def test_a_trait_that_is_not_of_its_type_rejects_its_row(shop: Shop) -> None:
    """A mapping says that points are numbers."""
    told = '[file]\nkind = "customers"\n[columns]\n"Nr" = "user_id"\n"P" = "traits.points"\n[types]\n"traits.points" = "number"\n'
    report = _bring(shop, "Nr;P\nK1;7\nK2;viele\n", told=told)
    assert _said(shop, "set_traits", "K1")[1] == {"points": 7}
    assert list(report.rejected) == ["traits.points: not a number"]


def test_purposes_may_have_times_of_their_own(shop: Shop) -> None:
    """Then they are an event each; the row's own is the first, the other derived."""
    told = """
[file]
kind = "customers"
[columns]
"id" = "user_id"
"mail_ok" = "consent.email"
"mail_at" = "consent_time.email"
"sms_ok" = "consent.sms"
"sms_at" = "consent_time.sms"
[constants]
consent_source = "crm"
"""
    report = _bring(shop, "id;mail_ok;mail_at;sms_ok;sms_at\nu;yes;2026-01-01;no;2026-01-05\n", told=told)
    assert (report.events, report.derived) == ({"set_consent": 1}, 1)
    rows = shop.events().sort("time")
    assert rows["time"].dt.day().to_list() == [1, 5]
    assert [msgspec.json.decode(text) for text in rows["properties"]] == [
        {"email": True, "source": "crm"}, {"sms": False, "source": "crm"},
    ]  # fmt: skip


def test_who_was_erased_stays_erased(shop: Shop) -> None:
    """A table from before does not bring them back, by another of their identities neither."""
    since = int(datetime(2026, 4, 1, tzinfo=UTC).timestamp() * 1000)
    gone = [
        tombstones.of(SECRET, subject_of(SECRET, kind, value), since, "r")
        for kind, value in (("user_id", "K1"), ("loyalty_card", "LC-1"))
    ]
    report = _bring(shop, HEADER + ROWS, tombstones=gone)
    assert sum(one.rows for one in report.skipped.values()) == 1
    assert "K1" not in shop.events()["user_id"].to_list()
