"""No bytes, however bad, bring an importer to more than an InputError or a report that reconciles."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etappe.errors import InputError
from etappe.importing.catalogue import items
from etappe.importing.formats import registry
from etappe.importing.judging import checks
from etappe.settings import Settings

HEADERS = {
    "native": ",".join(checks.COLUMNS),
    "online-retail": "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
    "rees46": "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session",
    "ga4": "event_name",
    "segment": "type",
}
CELLS = st.one_of(
    st.sampled_from(
        ["", "1", "-1", "0", "1e9", "nan", "inf", "C1", "10001", "POST", "purchase", "view", "refund", "set_traits",
         "2020-01-01 00:00:00", "2020-02-30", "9999-12-31T23:59:59-23:59", "0001-01-01", '"', '""', '"{""a"":1}"', "{}",
         "[1]", "GBP", "web", "7.0", "1.005", "-0.001", "\x00", "ä" * 300, "99999999999999999999"]
    ),
    st.text(max_size=12),
)  # fmt: skip
_few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _try(shop: Any, path: Path, form: str) -> None:
    """Imports `path` twice into a shop of its own: the second time adds nothing."""
    other = type(shop)(path.parent / "shop")
    first = _refused_or(lambda: other.bring(path, form))
    if first is None:
        assert (other.log.position(), other.leftovers()) == (0, [])
        return
    assert other.log.events().collect().height == sum(first.events.values()) + first.derived
    second = other.bring(path, form)
    assert (second.events, second.derived, second.rejected) == ({}, 0, first.rejected)
    for revenue in first.revenue_by_currency.values():
        assert _money(revenue) == pytest.approx(float(revenue.total), abs=1e-3, rel=1e-9)


def _refused_or(attempt: Callable[[], Any]) -> Any:
    """What `attempt` returns, or None where it is refused in one line."""
    try:
        return attempt()
    except InputError as error:
        lines = str(error).splitlines()
    assert len(lines) == 1
    return None


def _money(revenue: Any) -> float:
    return sum(float(part) for part in (revenue.purchases, revenue.refunds, revenue.skipped, revenue.rejected))


@pytest.mark.parametrize("form", list(registry.FORMATS))
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=13), max_size=12))
@_few
def test_rows(shop: Any, tmp_path_factory: pytest.TempPathFactory, form: str, rows: list[list[str]]) -> None:
    """Rows of odd cells, too many or too few, below a good header."""
    path = tmp_path_factory.mktemp("g") / "a.csv"
    path.write_bytes("\n".join([HEADERS[form], *(",".join(row) for row in rows)]).encode(errors="replace"))
    _try(shop, path, form)


@pytest.mark.parametrize("form", list(registry.FORMATS))
@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "csv.zst", "jsonl", "parquet"])
@given(data=st.binary(max_size=200))
@settings(_few, max_examples=15)
def test_bytes(shop: Any, tmp_path_factory: pytest.TempPathFactory, form: str, suffix: str, data: bytes) -> None:
    """Any bytes, under any name."""
    path = tmp_path_factory.mktemp("g") / f"a.{suffix}"
    path.write_bytes(data)
    _try(shop, path, form)


@pytest.mark.parametrize("form", list(registry.FORMATS))
@given(data=st.binary(max_size=200), cut=st.integers(0, 12))
@settings(_few, max_examples=15)
def test_damaged_gzip(shop: Any, tmp_path_factory: pytest.TempPathFactory, form: str, data: bytes, cut: int) -> None:
    """Any bytes below a good header, packed, and cut off at the end."""
    path = tmp_path_factory.mktemp("g") / "a.csv.gz"
    packed = gzip.compress(HEADERS[form].encode() + b"\n" + data)
    path.write_bytes(packed[: len(packed) - cut])
    _try(shop, path, form)


KEYS = st.one_of(st.sampled_from(checks.COLUMNS), st.text(max_size=5))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), CELLS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)


@given(rows=st.lists(st.one_of(JSON, st.dictionaries(KEYS, JSON, max_size=8)), max_size=6))
@_few
def test_json(shop: Any, tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    """Any JSON, and what Python takes for it, a line each."""
    path = tmp_path_factory.mktemp("g") / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    _try(shop, path, "native")
    _try_items(path)


@given(
    rows=st.lists(st.dictionaries(KEYS, st.one_of(st.none(), CELLS), min_size=1, max_size=8), min_size=1, max_size=5)
)
@_few
def test_parquet(shop: Any, tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str | None]]) -> None:
    """Parquet with any columns of any text."""
    path = tmp_path_factory.mktemp("g") / "a.parquet"
    columns = {name.encode(errors="replace").decode() for row in rows for name in row}
    schema = dict.fromkeys([*columns, "event", "timestamp", "id"], pl.String)
    clean = [{name: value and value.encode(errors="replace").decode() for name, value in row.items()} for row in rows]
    pl.DataFrame(clean, schema=schema).write_parquet(path)
    _try(shop, path, "native")
    _try_items(path)


@given(header=st.lists(st.sampled_from(["id", "title", "price", "prices", "attributes", "available", "x", ""]), min_size=1),
       rows=st.lists(st.lists(CELLS, min_size=1, max_size=6), max_size=8))  # fmt: skip
@_few
def test_items(tmp_path_factory: pytest.TempPathFactory, header: list[str], rows: list[list[str]]) -> None:
    """Odd cells under odd headers of a catalogue file."""
    path = tmp_path_factory.mktemp("g") / "a.csv"
    path.write_bytes("\n".join([",".join(header), *(",".join(row) for row in rows)]).encode(errors="replace"))
    _try_items(path)


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "jsonl.zst", "parquet"])
@given(data=st.binary(max_size=200))
@settings(_few, max_examples=15)
def test_items_of_bytes(tmp_path_factory: pytest.TempPathFactory, suffix: str, data: bytes) -> None:
    """Any bytes as a catalogue file."""
    path = tmp_path_factory.mktemp("g") / f"a.{suffix}"
    path.write_bytes(data)
    _try_items(path)


def _try_items(path: Path) -> None:
    got: list = []
    given = {"upsert": got.extend, "rejected": path.parent / "no", "settings": Settings()}
    report = _refused_or(lambda: items.import_items(path, **given))
    assert report is None or report.rows == len(got) + sum(report.rejected.values())
