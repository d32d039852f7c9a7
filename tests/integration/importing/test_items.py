"""Catalogue files: items as partial changes."""

import gzip
import html
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etappe.catalog.item import ItemPatch
from etappe.errors import InputError
from etappe.ids import item_hash
from etappe.importing.catalogue import items
from etappe.importing.catalogue.missing import Whole
from etappe.importing.judging.report import ItemsReport
from etappe.settings import Catalogue, Settings

BERLIN = Settings(catalogue=Catalogue(time_zone="Europe/Berlin"))


def _bring(path: Path, settings: Settings = BERLIN, **options: Any) -> tuple[ItemsReport, list[ItemPatch]]:
    got: list[ItemPatch] = []
    given = {"upsert": got.extend, "rejected": path.parent / "rejected", "settings": settings} | options
    report = items.import_items(path, **given)
    assert report.rows == report.items + sum(report.rejected.values())
    return report, got


def _write(path: Path, text: str) -> Path:
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_csv(tmp_path: Path, name: str) -> None:
    """Cells are fields of their kind, empty ones change nothing, others are attributes; objects are JSON."""
    text = (
        "id,title,price,available,available_from,prices,colour,\n"
        'A,Mug,2.5,false,2025-01-01T00:00:00,"{""USD"": 3}",red,\n'
        "B,,,,,,,\n"
    )
    report, got = _bring(_write(tmp_path / name, text))
    first = ItemPatch(
        id="A", title="Mug", price=2.5, available=False, prices={"USD": 3.0}, attributes={"colour": "red"},
        available_from=datetime(2024, 12, 31, 23, tzinfo=UTC),
    )  # fmt: skip
    assert got == [first, ItemPatch(id="B")]
    assert (report.rows, report.items, report.rejected_file) == (2, 2, None)


def test_json(tmp_path: Path) -> None:
    """A null takes a field back; unknown keys join the attributes; numbers are ids and text is a price where it is one."""
    lines = [
        '{"id": "A", "price": null, "size": 4, "attributes": {"colour": "red"}}',
        '{"id": "B", "price": "2"}',
        '{"id": 3}',
        '{"id": 4.0}',
        '{"id": true}',
        '{"id": " nan "}',
        "{}",
        "[]",
        '{"id": "C", "price": -1}',
    ]
    report, got = _bring(_write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert got == [
        ItemPatch(id="A", price=None, attributes={"size": 4, "colour": "red"}),
        ItemPatch(id="B", price=2.0),
        ItemPatch(id="3"),
        ItemPatch(id="4"),
    ]
    assert report.rejected == {
        "id: no id: give text or a whole number": 1,
        "id: missing": 2,
        "line: expected `object`, got `array`": 1,
        "price: below 0": 1,
    }


def test_parquet(tmp_path: Path) -> None:
    """Numbers that are ids become text, gaps and NaN are absent, lists become attributes."""
    frame = pl.DataFrame({"id": [1, 2], "price": [1.5, float("nan")], "tags": [["x"], None], "brand": [None, "b"]})
    frame.write_parquet(tmp_path / "a.parquet")
    _, got = _bring(tmp_path / "a.parquet")
    assert got == [ItemPatch(id="1", price=1.5, attributes={"tags": ["x"]}), ItemPatch(id="2", brand="b")]


def test_rejected_rows(tmp_path: Path) -> None:
    """Bad rows are in a file with line, reason and cells."""
    report, got = _bring(_write(tmp_path / "a.csv", "id,price,titles\nA,nan,\nB,1,x\n,1,\nC,1,,2\n"))
    assert got == []
    text = (tmp_path / "rejected" / "a-items.jsonl").read_text()
    assert report.rejected_file == str(tmp_path / "rejected" / "a-items.jsonl")
    assert [line.partition('","row"')[0] for line in text.splitlines()] == [
        '{"line":2,"reason":"price: no amount of money: write it as 12.99, or as 12.99 EUR',
        '{"line":3,"reason":"titles: not JSON',
        '{"line":4,"reason":"id: missing',
        '{"line":5,"reason":"line: more cells than the header names',
    ]


def test_column_named_as_ours(tmp_path: Path) -> None:
    """A column of the file may be called line."""
    _, got = _bring(_write(tmp_path / "a.csv", "line,id\n7,A\n"))
    assert got == [ItemPatch(id="A", attributes={"line": "7"})]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_no_id(tmp_path: Path, kind: str) -> None:
    """Without a column id the file is refused, naming the columns it has."""
    path = tmp_path / f"a.{kind}"
    frame = pl.DataFrame({"code": ["A"]})
    (frame.write_csv if kind == "csv" else frame.write_parquet)(path)
    with pytest.raises(InputError, match="'id' is missing; found 'code'"):
        _bring(path)


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    """A file that is damaged at its end changes no item."""
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"id\n" + b"A\n" * 200_000)[:-9])
    got: list[ItemPatch] = []
    with pytest.raises(InputError, match="damaged or cut off"):
        _bring(path, upsert=got.extend)
    assert (got, list((tmp_path / "rejected").iterdir())) == ([], [])


def test_thousands_at_a_time(tmp_path: Path) -> None:
    """Items are handed over in order, in lists of bounded length."""
    sizes: list[int] = []
    ids: list[str] = []

    def upsert(patches: list[ItemPatch]) -> None:
        sizes.append(len(patches))
        ids.extend(patch.id for patch in patches)

    _bring(_write(tmp_path / "a.csv", "id\n" + "".join(f"i{n}\n" for n in range(12_000))), upsert=upsert)
    assert (sizes, ids) == ([5000, 5000, 2000], [f"i{n}" for n in range(12_000)])


FEED = {
    "id": "S-1", "title": "Shirt", "availability": "out of stock", "price": "29,99 EUR", "sale_price": "25,99 EUR", "condition": "new",
    "link": "https://shop.example/1", "image_link": "https://shop.example/1.jpg", "product_type": "Clothing > Shirts",
}  # fmt: skip


def _as_text(separator: str) -> str:
    return separator.join(FEED) + "\n" + separator.join(f'"{value}"' for value in FEED.values()) + "\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", _as_text(",")),
        ("a.tsv", _as_text("\t")),
        ("a.jsonl", json.dumps(FEED) + "\n"),
        (
            "a.xml",
            '<rss xmlns:g="http://base.google.com/ns/1.0"><channel><item>'
            + "".join(f"<g:{name}>{html.escape(value)}</g:{name}>" for name, value in FEED.items())
            + "</item></channel></rss>",
        ),
        (
            "b.xml",
            "<products><product>"
            + "".join(f"<{name}>{html.escape(value)}</{name}>" for name, value in FEED.items())
            + "</product></products>",
        ),
    ],
)
def test_the_same_columns_in_any_kind_of_file(tmp_path: Path, name: str, content: str) -> None:
    """A feed says the same as CSV, with tabs, as JSON and as XML, with a prefix or without."""
    report, [patch] = _bring(_write(tmp_path / name, content))
    assert patch == ItemPatch(
        id="S-1", title="Shirt", available=False, available_from=None, available_until=None, price=25.99, currency="EUR",
        url="https://shop.example/1", image="https://shop.example/1.jpg", category="Clothing/Shirts",
        attributes={
            "condition": "new", "availability": "out of stock", "product_type": "Clothing > Shirts", "sale_price": 25.99,
            "regular_price": 29.99,
        },
    )  # fmt: skip
    assert (report.read_as["product_type"], report.read_as["availability"]) == ("category", "available")


@pytest.mark.parametrize(
    ("others", "price"), [("12.50", 1.299), ('"12,50"', 1299.0), ("12", 1.299), ('12.50\nC,"12,50"', None)]
)
def test_what_a_price_leaves_open_its_column_tells(tmp_path: Path, others: str, price: float | None) -> None:
    """1.299 is what other prices say, else one with a decimal point, which is told; none where they contradict."""
    report, got = _bring(_write(tmp_path / "a.csv", f"id,price\nA,1.299\nB,{others}\n"))
    assert next((one.price for one in got if one.id == "A"), None) == price
    assert sum(report.rejected.values()) == (price is None)


def test_repeated_ids(tmp_path: Path) -> None:
    """Of a file of rows a repeated id is a later change, and counted; a feed says each item once."""
    report, got = _bring(_write(tmp_path / "a.csv", "id,title\n1,First\n1,Second\n"))
    assert (len(got), report.repeated) == (2, 1)
    report, got = _bring(_write(tmp_path / "b.csv", "id,title,availability\n1,First,instock\n1,Second,instock\n"))
    assert ([one.title for one in got], report.rejected) == (["First"], {"id: an earlier item of the feed has it": 1})


def _whole(path: Path, sold: list[str], share: float = 0.5, **options: Any) -> tuple[ItemsReport, list[ItemPatch]]:
    def missing(named: set[int]) -> tuple[int, list[str]]:
        return len(sold), [item for item in sold if item_hash(item) not in named]

    return _bring(path, whole=Whole(missing, share, **options))


def test_a_file_that_is_all_there_is(tmp_path: Path) -> None:
    """What it lacks is no longer available, what it names is again; of a row that is refused nothing is said."""
    path = _write(tmp_path / "a.csv", "id,price\nA,1\nB,x\n")
    report, got = _whole(path, ["A", "B", "C"])
    assert got == [ItemPatch(id="A", price=1.0, available=None), ItemPatch(id="C", available=False)]
    assert (report.items, report.gone) == (1, 1)
    _, got = _whole(_write(tmp_path / "b.csv", "id,availability\nA,out of stock\n"), ["A"])
    assert [one.available for one in got] == [False]


def test_half_a_file_takes_nothing_off(tmp_path: Path) -> None:
    """Where more than the set share would go, or rows cannot be read, nothing is imported but by force."""
    got: list[ItemPatch] = []
    path = _write(tmp_path / "a.csv", "id\nA\n")
    whole = Whole(lambda _: (10, ["B", "C", "D"]), 0.2)
    with pytest.raises(InputError, match="3 of 10 items for sale are not in the file, more than the 20%"):
        _bring(path, whole=whole, upsert=got.extend)
    with pytest.raises(InputError, match="1 rows cannot be read, so nobody knows whether 3 items are missing"):
        _bring(_write(tmp_path / "b.csv", "id,x\nA,1\nB,1,2\n"), whole=Whole(whole.missing, 1.0), upsert=got.extend)
    assert got == []
    assert _bring(path, whole=Whole(whole.missing, 0.2, force=True))[0].gone == 3
