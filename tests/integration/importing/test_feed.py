"""Google product feeds as catalogue files: RSS, Atom and text with tabs."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from etappe.catalog.item import ItemPatch
from etappe.errors import InputError
from etappe.importing.catalogue import items
from etappe.importing.catalogue.columns import availability
from etappe.importing.catalogue.feed import items as feed_items
from etappe.importing.catalogue.feed import xml as feed_xml
from etappe.importing.judging.report import ItemsReport
from etappe.importing.reading.unpacked import zstd
from etappe.settings import Catalogue, Settings
from etappe.values import money, times

RSS = '<?xml version="1.0"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>\n{}\n</channel></rss>\n'
MUG = "<item><g:id>M</g:id><g:title>Mug</g:title><g:price>4.50 GBP</g:price></item>"
PACK: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}


def _bring(path: Path, content: str | bytes, **options: Any) -> tuple[ItemsReport, list[ItemPatch]]:
    got: list[ItemPatch] = []
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    given = {
        "upsert": got.extend,
        "rejected": path.parent / "rejected",
        "settings": Settings(catalogue=Catalogue(time_zone="Europe/Berlin")),
    }
    report = items.import_items(path, **given | options)
    assert report.rows == report.items + sum(report.rejected.values())
    return report, got


def _refused(report: ItemsReport) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in Path(str(report.rejected_file)).read_bytes().splitlines()]


FULL = """<item>
  <guid>https://shop.example/guid</guid><pubDate>Mon, 01 Jan 2026 00:00:00 GMT</pubDate>
  <title><![CDATA[Lamp & <b>shade</b>]]></title><link> https://shop.example/l </link>
  <description>A lamp &amp; a shade &#8364;</description>
  <g:id>L1</g:id><g:image_link>https://shop.example/l.jpg</g:image_link>
  <g:additional_image_link>https://shop.example/2.jpg</g:additional_image_link>
  <g:additional_image_link>https://shop.example/3,b.jpg</g:additional_image_link>
  <g:availability>in stock</g:availability><g:price>1,299.00 EUR</g:price>
  <g:product_type>Home &gt; Lighting &gt; Lamps/Shades</g:product_type>
  <g:google_product_category>594</g:google_product_category>
  <g:brand>Lux</g:brand><g:item_group_id>L</g:item_group_id><g:color>red</g:color><g:gtin>0012</g:gtin>
  <g:condition>new</g:condition><g:custom_label_0>summer</g:custom_label_0><g:size/>
  <g:expiration_date>2030-01-01T00:00+0100</g:expiration_date>
  <g:shipping><g:country>DE</g:country><g:price>4.90 EUR</g:price></g:shipping>
  <g:shipping><g:country>AT</g:country><g:price>9.90 EUR</g:price></g:shipping>
  <g:tax><g:country>US</g:country><g:rate>8.5</g:rate></g:tax>
</item>"""
LAMP = ItemPatch(
    id="L1", title="Lamp & <b>shade</b>", url="https://shop.example/l", image="https://shop.example/l.jpg", brand="Lux",
    item_group_id="L", category="Home/Lighting/Lamps-Shades", price=1299.0, currency="EUR", available=True,
    available_from=None, available_until=datetime(2029, 12, 31, 23, tzinfo=UTC),
    attributes={
        "description": "A lamp & a shade €", "availability": "in stock", "color": "red", "gtin": "0012",
        "product_type": "Home > Lighting > Lamps/Shades", "google_product_category": "594", "condition": "new",
        "custom_label_0": "summer", "tax": {"country": "US", "rate": "8.5"},
        "shipping": [{"country": "DE", "price": "4.90 EUR"}, {"country": "AT", "price": "9.90 EUR"}],
        "additional_image_link": ["https://shop.example/2.jpg", "https://shop.example/3,b.jpg"],
    },
)  # fmt: skip


@pytest.mark.parametrize("packed", PACK)
def test_rss(tmp_path: Path, packed: str) -> None:
    """Every attribute finds its place: fields, else attributes, with their parts and repetitions."""
    report, got = _bring(tmp_path / f"a.xml{packed}", PACK[packed](RSS.format(FULL).encode()))
    assert got == [LAMP]
    assert (report.rows, report.items, report.rejected_file) == (1, 1, None)


def test_atom(tmp_path: Path) -> None:
    """An entry's link is its href, and its own id and author say nothing of the product."""
    entry = (
        '<entry><id>tag:1</id><title>Plain</title><link rel="self" href="https://no"/><link href="https://shop.example/m"/>'
        "<author><name>x</name></author><summary>Text</summary><g:id>M</g:id><g:title>Mug</g:title></entry>"
    )
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">{entry}</feed>'
    _, got = _bring(tmp_path / "a.xml", feed)
    assert got == [ItemPatch(id="M", title="Mug", url="https://shop.example/m", attributes={"description": "Text"})]


@pytest.mark.parametrize("name", ["a.tsv", "a.txt", "a.tsv.gz", "a.txt.zst"])
def test_tabs(tmp_path: Path, name: str) -> None:
    """Columns by Google's names however spelt; cells in quotes may hold tabs, line ends and quotes; inches stay."""
    text = (
        "ID\tTitle\timage link\tg:availability\tprice\tadditional_image_link\tshipping(country:price)\r\n"
        "A\tMug\thttps://shop.example/a.jpg\tout_of_stock\t12,75 eur\thttps://x/1,https://x/2\tDE:4.90 EUR\r\n"
        '\r\nB\t"Big ""mug"",\n\twhite"\t\t\tGBP 3\t\t\n'
        'C\t"12" vinyl\t\t\t\t\t\nD\t12" vinyl\t\t\t\t\t\nE\tx\n'
        "\tnameless\t\t\t\t\t\n"
    )
    report, got = _bring(tmp_path / name, PACK[Path(name).suffix if name.count(".") > 1 else ""](text.encode()))
    assert got == [
        ItemPatch(
            id="A", title="Mug", image="https://shop.example/a.jpg", available=False, price=12.75, currency="EUR",
            available_from=None, available_until=None,
            attributes={
                "availability": "out_of_stock", "shipping(country:price)": "DE:4.90 EUR",
                "additional_image_link": ["https://x/1", "https://x/2"],
            },
        ),
        ItemPatch(id="B", title='Big "mug",\n\twhite', price=3.0, currency="GBP"),
        ItemPatch(id="D", title='12" vinyl'),
        ItemPatch(id="E", title="x"),
    ]  # fmt: skip
    assert [(one["line"], one["reason"]) for one in _refused(report)] == [
        (6, "line: quotes inside a quoted field must be doubled"),
        (9, "id: missing"),
    ]


def test_a_quote_that_never_ends_costs_its_own_line(tmp_path: Path) -> None:
    """Where a quoted cell does not end, its line alone is rejected and the lines below are items."""
    report, got = _bring(tmp_path / "a.tsv", 'id\ttitle\nA\t"open\n' + "".join(f"i{n}\tx\n" for n in range(500)))
    assert (len(got), report.rejected) == (500, {"line: a quoted field does not end": 1})


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ("<g:title>x</g:title>", "id: missing"),
        ("<g:id> </g:id>", "id: missing"),
        ("<g:id>M</g:id>", "id: an earlier item of the feed has it"),
        ("<g:id>B</g:id><g:price>12.75 pounds</g:price>", f"price: {money.NO_AMOUNT}"),
        ("<g:id>B</g:id><g:price>-1 GBP</g:price>", "price: below 0"),
        ("<g:id>B</g:id><g:price>1.2.3 GBP</g:price>", f"price: {money.NO_AMOUNT}"),
        ("<g:id>B</g:id><g:price>1 GBP</g:price><g:sale_price>1 EUR</g:sale_price>", "sale_price: in another currency than price"),
        ("<g:id>B</g:id><g:availability>maybe</g:availability>", f"availability: {availability.SAID}"),
        ("<g:id>B</g:id><g:expiration_date>soon</g:expiration_date>", f"expiration_date: {times.NO_TIME}"),
        (
            "<g:id>B</g:id><g:sale_price>1 EUR</g:sale_price><g:sale_price_effective_date>2026-01-01</g:sale_price_effective_date>",
            "sale_price_effective_date: not two times with a / between them",
        ),
        ("<g:id>B</g:id><g:link>javascript:x</g:link>", "link: no link that begins with http://, https:// or /"),
        (f"<g:id>B</g:id><g:note>{'x' * feed_items.LONGEST_ITEM}</g:note>", f"item: more than {feed_items.LONGEST_ITEM} characters"),
    ],
)  # fmt: skip
def test_bad_items(tmp_path: Path, attributes: str, reason: str) -> None:
    """A bad item is in the file of rejected rows with its number, the reason and what it said; the others come."""
    last = MUG.replace(">M<", ">Z<")
    report, got = _bring(tmp_path / "a.xml", RSS.format(f"{MUG}<item>{attributes}</item>{last}"))
    assert [patch.id for patch in got] == ["M", "Z"]
    assert report.rejected == {reason: 1}
    assert [(one["line"], one["reason"]) for one in _refused(report)] == [(2, reason)]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("<g:availability>in_stock</g:availability>", (True, None)),
        ("<g:availability>Out of stock</g:availability>", (False, None)),
        ("<g:availability>preorder</g:availability>", (False, None)),
        (
            "<g:availability>backorder</g:availability><g:availability_date>2030-06-01T00:00Z</g:availability_date>",
            (True, datetime(2030, 6, 1, tzinfo=UTC)),
        ),
        (
            "<g:availability>preorder</g:availability><g:availability_date>2030-06-01</g:availability_date>",
            (True, datetime(2030, 5, 31, 22, tzinfo=UTC)),
        ),
        ("", (msgspec.UNSET, msgspec.UNSET)),
    ],
)
def test_availability(tmp_path: Path, said: str, found: tuple[Any, Any]) -> None:
    """What may be ordered before it is there is available from the day that is told, in the shop's time; else not."""
    _, [patch] = _bring(tmp_path / "a.xml", RSS.format(f"<item><g:id>A</g:id>{said}</item>"))
    assert (patch.available, patch.available_from) == found


@pytest.mark.parametrize(
    ("sale", "during", "price"),
    [
        ("8 GBP", None, 8.0),
        ("8 GBP", "2020-01-01T00:00Z/2999-01-01T00:00Z", 8.0),
        ("8", "2020-01-01/2999-01-01", 8.0),
        ("8 GBP", "2020-01-01T00:00Z/2020-02-01T00:00Z", 10.0),
        ("8 GBP", "2998-01-01T00:00Z/2999-01-01T00:00Z", 10.0),
        ("12 GBP", None, 10.0),
    ],
)
def test_sales(tmp_path: Path, sale: str, during: str | None, price: float) -> None:
    """The price is what is paid at the time of the import; both prices are kept beside it."""
    dates = f"<g:sale_price_effective_date>{during}</g:sale_price_effective_date>" if during else ""
    item = f"<item><g:id>A</g:id><g:price>10 GBP</g:price><g:sale_price>{sale}</g:sale_price>{dates}</item>"
    _, [patch] = _bring(tmp_path / "a.xml", RSS.format(item))
    kept = {"regular_price": 10.0, "sale_price": float(sale.split(maxsplit=1)[0])} | (
        {"sale_price_effective_date": during} if during else {}
    )
    assert (patch.price, patch.attributes) == (price, kept)


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1252", "shift_jis", "euc_kr", "UTF8"])
def test_encodings(tmp_path: Path, name: str) -> None:
    """A feed is read in the encoding that it declares or marks, of several bytes a character too."""
    title = {"shift_jis": "マグ", "euc_kr": "머그"}.get(name, "Tasse für 5 £")
    declared = f'<?xml version="1.0" encoding="{name.removesuffix("-sig")}"?>'
    text = RSS.format(MUG.replace("Mug", title)).replace('<?xml version="1.0"?>', declared)
    _, [patch] = _bring(tmp_path / "a.xml", text.encode(name))
    assert patch.title == title


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16"])
def test_marked_text(tmp_path: Path, name: str) -> None:
    """A byte order mark before tabs is no part of the first column's name."""
    _, [patch] = _bring(tmp_path / "a.txt", "id\ttitle\nA\tTasse für dich\n".encode(name))
    assert patch.title == "Tasse für dich"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (RSS.format(MUG).removesuffix("</rss>\n"), "line 4, column 11: no element found; the file is cut off"),
        (RSS.format(MUG)[:160], "line 3, column .*: unclosed token; the file is cut off"),
        (RSS.format("<item><g:title><![CDATA[x</g:title></item>"), "the file is cut off"),
        (RSS.format("<item></g:id></item>"), "line 3, column .*: mismatched tag"),
        (RSS.format("<item>&kuerzel;</item>"), "has an entity of its own, 'kuerzel'"),
        (RSS.format("<item><x:id>1</x:id></item>"), "unbound prefix; declare xmlns:g"),
        (RSS.replace("?>\n", f"?>{BOMB}").format("<item>&b;</item>"), "has an entity of its own, 'a'"),
        (RSS.replace("?>\n", '?><!DOCTYPE x [<!ENTITY f SYSTEM "/etc/hostname">]>').format(MUG), "entity of its own, 'f'"),
        (RSS.replace("?>\n", '?><!DOCTYPE x [<!ENTITY % p SYSTEM "/etc/p">%p;]>').format(MUG), "entity of its own, 'p'"),
        (RSS.replace("?>\n", '?><!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">').format("<item>&f;</item>"), "entity of its own, 'f'"),
        (RSS.replace('"1.0"?', '"1.0" encoding="klingon"?').format(MUG), "its encoding 'klingon' is not known"),
        (RSS.replace('"1.0"?', '"1.0" encoding="unicode_escape"?').format(MUG), "its encoding 'unicode_escape' is not known"),
        (RSS.replace('"1.0"?', '"1.0" encoding="zlib"?').format(MUG), "its encoding 'zlib' is not known"),
        (RSS.replace('"1.0"?', '"1.0" encoding="ascii"?').format(MUG + "ü"), "not all of it is in the encoding it declares, ascii"),
        (RSS.format(MUG).encode() + b"\xff", "not well-formed|junk after"),
        ("<html><body>Error 503</body></html>", "neither <item> nor <entry> nor <product>"),
        ("id\ttitle\nA\tx\n", "syntax error"),
    ],
)  # fmt: skip
def test_no_feed(tmp_path: Path, content: str | bytes, message: str) -> None:
    """A file that is cut off, malformed, or brings entities of its own changes no item, and the error says where."""
    got: list[ItemPatch] = []
    with pytest.raises(InputError, match=message):
        _bring(tmp_path / "a.xml", content, upsert=got.extend)
    assert (got, list((tmp_path / "rejected").iterdir())) == ([], [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"code\ttitle\nA\tx\n", "column 'id' is missing; found 'code', 'title'"),
        (b"\n\n", "is empty"),
    ],
)
def test_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    """Text without the column of ids, of another encoding or without lines is refused."""
    with pytest.raises(InputError, match=message):
        _bring(tmp_path / "a.tsv", content)


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_cut_off_archive(tmp_path: Path, packed: str) -> None:
    """A packed feed that is cut off is refused as such."""
    whole = PACK[packed](RSS.format("".join(MUG.replace(">M<", f">{n}<") for n in range(5000))).encode())
    with pytest.raises(InputError, match="damaged or cut off"):
        _bring(tmp_path / f"a.xml{packed}", whole[: len(whole) // 2])


def test_a_tag_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag or comment of megabytes is refused, as its parsing would take ever longer."""
    monkeypatch.setattr(feed_xml, "_LONGEST_TOKEN", 300_000)
    with pytest.raises(InputError, match="line 3: a tag or comment that does not end"):
        _bring(tmp_path / "a.xml", RSS.format("<!-- " + "x" * 900_000 + " -->" + MUG))


def test_many_items_in_order(tmp_path: Path) -> None:
    """Items that lie across the chunks of a file are whole, and are handed over in order, thousands at a time."""
    sizes: list[int] = []
    ids: list[str] = []

    def upsert(patches: list[ItemPatch]) -> None:
        sizes.append(len(patches))
        ids.extend(patch.id for patch in patches)

    feed = RSS.format("".join(MUG.replace(">M<", f">i{n}<") for n in range(12_000)))
    _bring(tmp_path / "a.xml", feed, upsert=upsert)
    assert (sizes, ids) == ([5000, 5000, 2000], [f"i{n}" for n in range(12_000)])


def test_events_are_not_read_from_feeds(shop: Any, tmp_path: Path) -> None:
    """A feed is no file of events, and the error does not promise otherwise."""
    path = tmp_path / "a.xml"
    path.write_text(RSS.format(MUG))
    with pytest.raises(InputError, match="is an XML feed; this import reads columns"):
        shop.bring(path)


def test_structured_titles(tmp_path: Path) -> None:
    """A title with parts is its content; of a repeated attribute the first is the field."""
    item = (
        "<item><g:id>A</g:id><g:structured_title><g:digital_source_type>x</g:digital_source_type>"
        "<g:content>Made</g:content></g:structured_title><g:brand>b</g:brand><g:brand>c</g:brand>"
        "<g:product_type>12</g:product_type><g:google_product_category>Home > Mugs</g:google_product_category></item>"
    )
    _, [patch] = _bring(tmp_path / "a.xml", RSS.format(item))
    assert (patch.title, patch.brand, patch.category) == ("Made", "b", "Home/Mugs")


def test_csv_imports_are_as_before(tmp_path: Path) -> None:
    """A repeated id in a file of rows is a later change of the item."""
    path = tmp_path / "a.csv"
    pl.DataFrame({"id": ["A", "A"], "price": [1.0, 2.0]}).write_csv(path)
    _, got = _bring(path, path.read_bytes())
    assert got == [ItemPatch(id="A", price=1.0), ItemPatch(id="A", price=2.0)]
