"""Events in Etappe's own form, from every kind of file."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etappe.catalog.item import ItemPatch
from etappe.errors import InputError
from etappe.ids import subject_of

SECRET = b"secret of a test" * 2

HEADER = "event_id,timestamp,event,user_id,anonymous_id,item_id,quantity,price,currency,order_id,channel,properties\n"
ROWS = [
    ",2025-01-01T10:00:00Z,view_item,7,a1,A,,,,,web,\n",
    ",2025-01-01T10:01:00Z,add_to_cart,,a1,A,2,9.90,EUR,,web,\n",
    ',2025-01-02T00:00:00Z,purchase,7,,A,2,9.90,EUR,1,web,"{""gift"": true}"\n',
    ",2025-01-03T00:00:00Z,refund,7,,A,1,9.90,EUR,1,web,\n",
    ",2025-01-03T00:00:00Z,purchase,,,B,1,0.10,EUR,2,store,\n",
]


def _csv(path: Path, rows: list[str]) -> Path:
    path.write_text(HEADER + "".join(rows))
    return path


def _as(kind: str, folder: Path) -> Path:
    source = _csv(folder / "plain.csv", ROWS)
    frame = pl.read_csv(source, infer_schema=False)
    numbers = frame.with_columns(pl.col("quantity").cast(pl.Int64), pl.col("price").cast(pl.Float64))
    path = folder / f"events.{kind}"
    if kind == "csv.gz":
        path.write_bytes(gzip.compress(source.read_bytes()))
    elif kind == "csv.zst":
        frame.write_csv(path, compression="zstd")
    elif kind == "jsonl":
        text = numbers.write_ndjson().replace('"{\\"gift\\": true}"', '{"gift": true}')
        path.write_text(text)
    elif kind == "jsonl.gz":
        text = numbers.write_ndjson().replace('"{\\"gift\\": true}"', '{"gift": true}')
        path.write_bytes(gzip.compress(text.encode()))
    else:
        numbers.with_columns(pl.col("timestamp").str.to_datetime(time_zone="UTC")).write_parquet(path)
    return path


def test_rows_in_the_log(shop: Any, tmp_path: Path) -> None:
    """A row's fields are in the log as they stood, with the subject of whom it names."""
    report = shop.bring(_csv(tmp_path / "a.csv", ROWS))
    assert report.events == {"purchase": 2, "view_item": 1, "add_to_cart": 1, "refund": 1}
    row = shop.events().filter(pl.col("order_id") == "1", pl.col("event") == "purchase").row(0, named=True)
    del row["received"], row["event_id"], row["flag"], row["raw"], row["claim"]
    assert row == {
        "event": "purchase",
        "time": datetime(2025, 1, 2, tzinfo=UTC),
        "subject": subject_of(SECRET, "user_id", "7"),
        "user_id": "7",
        "anonymous_id": None,
        "item_id": "A",
        "quantity": 2,
        "price": 9.9,
        "currency": "EUR",
        "order_id": "1",
        "channel": "web",
        "properties": '{"gift": true}',
        "source": "import:native",
    }


def test_revenue_and_people(shop: Any, tmp_path: Path) -> None:
    """Revenue is exact; the identified subjects are told, once each, and a till receipt's is none."""
    report = shop.bring(_csv(tmp_path / "a.csv", ROWS))
    money = report.revenue
    assert (money.purchases, money.refunds, money.total) == ("19.90", "-9.90", "10.00")
    people = [subject_of(SECRET, "user_id", "7"), subject_of(SECRET, "anonymous_id", "a1")]
    assert sorted(report.subjects.to_list()) == sorted(people)
    assert report.customers == 2


@pytest.mark.parametrize("kind", ["csv.gz", "csv.zst", "jsonl", "jsonl.gz", "parquet"])
def test_same_rows_in_another_file(shop: Any, tmp_path: Path, kind: str) -> None:
    """The rows of a CSV, packed or as JSON or Parquet, are the same events: importing them too adds nothing."""
    shop.bring(_csv(tmp_path / "a.csv", ROWS))
    before = shop.events()
    report = shop.bring(_as(kind, tmp_path))
    assert (report.duplicates, report.events, report.position) == (5, {}, 1)
    assert before.equals(shop.events())


def test_given_ids(shop: Any, tmp_path: Path) -> None:
    """An event_id counts once for a subject, in the file and in the log; another subject's is another event."""
    row = "e1,2025-01-0{day}T00:00:00Z,login,{user},,,,,,,,\n"
    rows = [row.format(day=day, user=user) for day, user in ((2, 7), (1, 7), (1, 8))]
    first = shop.bring(_csv(tmp_path / "a.csv", rows))
    assert (first.events, first.duplicates) == ({"login": 2}, 1)
    kept = shop.events().filter(pl.col("user_id") == "7")["time"].to_list()
    assert kept == [datetime(2025, 1, 2, tzinfo=UTC)]
    second = shop.bring(_csv(tmp_path / "b.csv", [rows[0], row.format(day=2, user=9)]))
    assert (second.events, second.duplicates) == ({"login": 1}, 1)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("ids", [True, False])
def test_claims_stay_claims(shop: Any, tmp_path: Path, kind: str, *, ids: bool) -> None:
    """What a browser claimed to have bought is no sale when it is imported: no money, and true in the log."""
    sale = {"timestamp": "2025-01-02T00:00:00Z", "event": "purchase", "user_id": "7", "item_id": "A", "price": 5.0}
    told = [sale | {"claim": claim} for claim in (True, False, None)]
    told.append({**sale, "event": "refund", "claim": True})
    rows = [row | ({"event_id": f"b:{place}"} if ids else {}) for place, row in enumerate(told)]
    path, frame = tmp_path / f"claims.{kind}", pl.DataFrame(rows)
    {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}[kind](path)
    report = shop.bring(path)
    assert (report.events, report.rejected) == ({"purchase": 3, "refund": 1}, {})
    assert (report.revenue.purchases, report.revenue.refunds, report.revenue.total) == ("10.00", "0.00", "10.00")
    events = shop.events().sort("event", "claim", nulls_last=True)
    assert events["claim"].to_list() == [True, None, None, True]
    assert events["event_id"].n_unique() == 4
    assert not ids or {"b:0", "b:3"} == set(events.filter("claim")["event_id"])
    assert shop.bring(path).duplicates == 4


def test_stubs_for_unknown_items(shop: Any, tmp_path: Path) -> None:
    """An item the catalogue has not seen gets its id for a title and its usual price; a known one is left alone."""
    asked: list[str] = []

    def known(items: list[str]) -> set[str]:
        asked.extend(items)
        return {"B"}

    report = shop.bring(_csv(tmp_path / "a.csv", ROWS), known_items=known)
    assert sorted(asked) == ["A", "B"]
    assert shop.items == [ItemPatch(id="A", title="A", price=9.9, currency="EUR")]
    assert report.items == 1


def test_rejected_rows(shop: Any, tmp_path: Path) -> None:
    """Each bad row is in the file of rejected rows with its line, the reason and its cells; the good ones are in."""
    bad = [",2025-01-01T10:00:00Z,bought,7,,A,,,,,,\n", "1,2,3,4,5,6,7,8,9,0,1,2,3,4\n"]
    report = shop.bring(_csv(tmp_path / "a.csv", [ROWS[0], *bad, ROWS[1]]))
    assert sum(report.events.values()) == 2
    cells = {"timestamp": "2025-01-01T10:00:00Z", "event": "bought", "user_id": "7", "item_id": "A"}
    assert shop.refused(report) == [
        {"line": 3, "reason": "event: not in the vocabulary", "row": cells},
        {"line": 4, "reason": "line: more cells than the header names", "row": "1,2,3,4,5,6,7,8,9,0,1,2,3,4"},
    ]
    assert report.rejected_file == str(shop.rejected / "a-native.jsonl")


def test_mended_file(shop: Any, tmp_path: Path) -> None:
    """Once a file is mended, the rejected rows of its earlier import are gone, and only the mended ones are added."""
    shop.bring(_csv(tmp_path / "a.csv", [ROWS[0], "cut,off\n"]))
    report = shop.bring(_csv(tmp_path / "a.csv", ROWS[:2]))
    assert (report.events, report.duplicates) == ({"add_to_cart": 1}, 1)
    assert list(shop.rejected.iterdir()) == []


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("event,user_id", "'timestamp' is missing; found 'event', 'user_id'"),
        ("event,timestamp,quanity", "'quanity' is unknown; the columns are"),
    ],
)
def test_wrong_columns(shop: Any, tmp_path: Path, header: str, said: str) -> None:
    """A missing column, and one that would be dropped unread, are named with those there are."""
    path = tmp_path / "a.csv"
    path.write_text(header + "\n1,2,3\n")
    with pytest.raises(InputError, match=said):
        shop.bring(path)


def test_json_is_strict(shop: Any, tmp_path: Path) -> None:
    """JSON of the wrong kind is rejected with its field, beside good lines of the same batch."""
    path = tmp_path / "a.jsonl"
    good = '"event":"login","timestamp":"2025-01-01T00:00:00Z","user_id":"7"'
    lines = [f"{{{good}}}", f'{{{good},"claim":"2"}}', f'{{{good},"colour":1}}', "{", "[]", "", f"{{{good}}}"]
    path.write_text("\n".join(lines))
    report = shop.bring(path)
    assert report.events == {"login": 2}
    assert [(row["line"], row["reason"]) for row in shop.refused(report)] == [
        (2, "claim: expected `bool | null`, got `str`"),
        (3, "line: a key that is no column; move it into properties"),
        (4, "line: not a JSON object"),
        (5, "line: expected `object`, got `array`"),
    ]


def test_till_numbers_each_order_anew(shop: Any, tmp_path: Path) -> None:
    """Lines of nobody with one event_id in three orders are three sales; the same file again, or a line again, is none."""
    lines = [f"1,2025-01-03T00:00:00Z,purchase,,,B,1,2.00,EUR,{order},store,\n" for order in ("a", "b", "c", "c")]
    report = shop.bring(_csv(tmp_path / "till.csv", lines))
    assert (report.events, report.duplicates) == ({"purchase": 3}, 1)
    assert shop.bring(_csv(tmp_path / "again.csv", lines)).events == {}
    assert sorted(shop.events()["order_id"]) == ["a", "b", "c"]


def test_orders_with_their_lines_inside(shop: Any, tmp_path: Path) -> None:
    """In JSON an order may hold its lines: each is a row, beside rows without lines, and a second import adds nothing."""
    path = tmp_path / "a.jsonl"
    order = {"event": "purchase", "timestamp": "2025-01-01T00:00:00Z", "user_id": 7, "properties": {"coupon": "X"}}
    lines = [{"product_id": "A", "price": "1.299,00", "quantity": 2}, {"item_id": 5.0, "price": 3}, {"price": "NaN"}]
    view = {"event": "view_item", "timestamp": 1735689600, "user_id": "7", "item_id": "A"}
    path.write_text("\n".join(json.dumps(one) for one in (order | {"items": lines}, view)))
    report = shop.bring(path)
    assert (report.events, sum(report.rejected.values())) == ({"purchase": 2, "view_item": 1}, 1)
    sold = shop.events().filter(event="purchase").sort("item_id")
    assert sold.select("user_id", "item_id", "quantity", "price").rows() == [
        ("7", "5", None, 3.0),
        ("7", "A", 2, 1299.0),
    ]
    assert sold["order_id"].n_unique() == 1
    assert sold["order_id"].null_count() == 0
    assert shop.bring(path).events == {}


@pytest.mark.parametrize("kind", [pl.Float32, pl.Float64, pl.Decimal(12, 3)])
def test_numbers_of_parquet_are_as_written(shop: Any, tmp_path: Path, kind: Any) -> None:
    """A price is the shortest decimal of its float, of 32 bits too, and three decimals are no thousands."""
    row = {"event": "purchase", "timestamp": "2025-01-01T00:00:00Z", "user_id": "7", "item_id": "A"}
    frame = pl.DataFrame([row] * 3).with_columns(pl.Series("price", [35.9, 1.299, 7.0]).cast(kind))
    frame.write_parquet(tmp_path / "a.parquet")
    report = shop.bring(tmp_path / "a.parquet")
    assert sorted(shop.events()["price"]) == [1.299, 7.0, 35.9]
    assert (report.revenue.purchases, report.told) == ("44.199", {})


def test_totals_by_currency(shop: Any, tmp_path: Path) -> None:
    """Amounts in several currencies are never summed, however the codes are written."""
    row = {"event": "purchase", "timestamp": "2025-01-01T00:00:00Z", "user_id": "7", "item_id": "A"}
    told = [{"price": 2.5, "currency": "eur"}, {"price": "1 EUR"}, {"price": 4, "currency": "USD"}, {"price": "x"}]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(row | one) for one in told))
    report = shop.bring(path)
    assert report.revenue.purchases == "3.50 EUR, 4.00 USD"
    assert {code: money.total for code, money in report.revenue_by_currency.items()} == {"EUR": "3.50", "USD": "4.00"}


def test_a_later_row_tells_how_an_earlier_is_read(shop: Any, tmp_path: Path) -> None:
    """The whole file decides, also where the row that tells comes long after, and nothing of the first reading stays."""
    row = '2025-01-01T00:00:00Z,purchase,u{at},A,1,"{price}",EUR\n'
    cells = [(at, "1.299") for at in range(140_000)] + [(140_000, "9,90")]
    path = tmp_path / "a.csv"
    header = "timestamp,event,user_id,item_id,quantity,price,currency\n"
    path.write_text(header + "".join(row.format(at=at, price=price) for at, price in cells))
    report = shop.bring(path)
    assert (report.rows, report.events) == (140_001, {"purchase": 140_001})
    assert report.told == {"price": "'1.299' was read with a decimal comma, as others tell"}
    assert set(shop.events()["price"]) == {1299.0, 9.9}
    assert shop.leftovers() == []
