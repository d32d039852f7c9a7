"""Every import is total: a line with anything in any field is taken, left out or rejected alone; its neighbours are taken."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from tests import odd

from etappe.importing.catalogue import items
from etappe.settings import Settings

FORMS = {"segment": odd.SEGMENT, "ga4": odd.GA4 + odd.BIGQUERY, "native": odd.NATIVE}
ITEM: odd.Payload = {
    "id": "i-1", "title": "Lamp", "titles": {"de": "Lampe"}, "category": "home/lamps", "brand": "Alma", "item_group_id": "g-1",
    "price": 3.5, "prices": {"GBP": 3.0}, "currency": "EUR", "url": "https://shop.example/", "image": "/a.png", "available": True,
    "available_from": "2026-01-01T00:00:00", "available_until": "2027-01-01T00:00:00Z", "floor_days": 3, "attributes": {"colour": "red"},
}  # fmt: skip
FEED = {
    "id": "i-1", "title": "Lamp", "structured_title": "Lamp", "description": "A lamp", "product_type": "home > lamps", "link": "https://a/",
    "google_product_category": "Home > Lamps", "image_link": "https://a/b.png", "additional_image_link": "https://a/c, https://a/d",
    "brand": "Alma", "item_group_id": "g", "price": "3.50 EUR", "sale_price": "2.50 EUR", "sale_price_effective_date": "2026-01-01/2027-01-01",
    "availability": "preorder", "availability_date": "2026-01-01T00:00Z", "expiration_date": "2027-01-01", "condition": "new",
}  # fmt: skip
CELLS = [
    "",
    " ",
    "x" * 3000,
    "[]",
    "{}",
    "0",
    "-1",
    "1e400",
    "EUR\x0b",
    "9,9,9.9.9",
    "2026-02-30",
    "/",
    ">",
    "\x00",
    "٣",
    "EUR 1 EUR",
    "1 EUR\x85",
]


@pytest.mark.parametrize("form", FORMS)
def test_events(shop: Any, tmp_path: Path, form: str) -> None:
    """Every odd value in every field of every kind of line: the report reconciles, and the good lines are in the log."""
    path = tmp_path / "events.jsonl"
    good = json.dumps(FORMS[form][0])
    lines = [good, *(json.dumps(one) for one in odd.every(FORMS[form])), good]
    path.write_text("\n".join(lines))
    report = shop.bring(path, form)
    assert report.rows >= len(lines)
    assert all(reason for reason in report.rejected)
    alone = type(shop)(tmp_path / "alone")
    (tmp_path / "good.jsonl").write_text(good)
    alone.bring(tmp_path / "good.jsonl", form)
    assert set(alone.events()["event_id"]) <= set(shop.events()["event_id"])


def test_nesting_is_judged_as_http_judges_it(shop: Any, tmp_path: Path) -> None:
    """Properties nested deeper than `POST /v1/events` takes are rejected by the import, with the bound."""
    deep = json.loads('{"a":' * 40 + "1" + "}" * 40)
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(odd.NATIVE[-1] | {"properties": deep}))
    assert shop.bring(path).rejected == {"properties: nested more than 32 deep": 1}


def _brought(path: Path) -> tuple[list[Any], Any]:
    got: list[Any] = []
    report = items.import_items(path, upsert=got.extend, rejected=path.parent / "no", settings=Settings())
    assert report.rows == len(got) + sum(report.rejected.values())
    assert all(report.rejected)
    return got, report


def test_items(tmp_path: Path) -> None:
    """Every odd value in every field of an item: each item is taken or rejected, and the good ones are taken."""
    path = tmp_path / "items.jsonl"
    whole = list(odd.every([ITEM]))
    good = json.dumps(ITEM | {"id": "good"})
    path.write_text("\n".join([good, *map(json.dumps, whole), good]))
    got, report = _brought(path)
    assert report.rows == len(whole) + 2
    assert [one.id for one in got].count("good") == 2


def test_tsv_feed(tmp_path: Path) -> None:
    """Every odd cell in every column of a feed, with and without the other columns: each item is taken or rejected."""
    names = list(FEED)
    rows = [{**FEED, "id": "first"}]
    rows += [{**FEED, name: cell} for name in names for cell in CELLS]
    rows += [{"id": "x", name: cell} for name in names for cell in CELLS]
    rows = [
        row if row.get("id") == "first" else row | {"id": row["id"] and f"{row['id']}{n}"} for n, row in enumerate(rows)
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter="\t", restval="")
    writer.writeheader()
    writer.writerows([*rows, {**FEED, "id": "last"}])
    path = tmp_path / "feed.tsv"
    path.write_text(text.getvalue())
    got, _ = _brought(path)
    assert {"first", "last"} <= {one.id for one in got}


def test_xml_feed(tmp_path: Path) -> None:
    """Attributes with parts, repeated, empty or odd: each item is taken or rejected."""
    odd_texts = [f"<![CDATA[{cell}]]>" for cell in CELLS if "\x00" not in cell and "\x0b" not in cell]
    parts = ["", "<g:content/>", "<g:content>x</g:content>", "<g:a><g:b>1</g:b></g:a>", *odd_texts]
    found = ["<item><g:id>first</g:id></item>"]
    for number, name in enumerate(FEED):
        for at, part in enumerate(parts):
            whole = "".join(f"<g:{one}><![CDATA[{FEED[one]}]]></g:{one}>" for one in FEED if one not in (name, "id"))
            for rest in (whole, ""):
                value = f"<g:{name}>{part}</g:{name}>"
                ids = "" if name == "id" else f"<g:id>x{number}-{at}-{len(rest)}</g:id>"
                found += [
                    f"<item>{ids}{value}{rest}</item>",
                    f"<item>{ids.replace('x', 'y')}{value}{value}{rest}</item>",
                ]
    path = tmp_path / "feed.xml"
    head = '<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>'
    path.write_text(head + "".join([*found, "<item><g:id>last</g:id></item>"]) + "</channel></rss>")
    got, report = _brought(path)
    assert report.rows == len(found) + 1
    assert {"first", "last"} <= {one.id for one in got}
