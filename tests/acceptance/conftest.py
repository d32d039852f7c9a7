"""A small shop, simulated, imported and trained once; served by real processes."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
import polars as pl
import pytest
from tests.acceptance.shop import Server, must, new_key, stop_store
from tests.workers import made_once

_KEYS = "keys"


@dataclass(frozen=True)
class Template:
    """A trained shop that nobody serves, to be copied, and its files; customers by how much they bought, items, keys.

    Of customers only those who never refused to be known.
    """

    data: Path
    files: Path
    customers: list[str]
    items: list[str]
    events: pl.DataFrame
    secret: str
    publishable: str


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """600 customers, 200 items and 90 days, trained."""
    home = made_once(tmp_path_factory, "shop", _make)
    data, files = home / "data", home / "files"
    events = pl.read_parquet(files / "events.parquet")
    bought = events.filter((pl.col("event") == "purchase") & pl.col("user_id").is_not_null()).unique("event_id")
    refused = events.filter((pl.col("event") == "set_consent") & pl.col("properties").str.contains("false"))
    bought = bought.filter(~pl.col("user_id").is_in(refused["user_id"].to_list()))
    ranked = bought["user_id"].value_counts(sort=True).sort("count", "user_id", descending=[True, False])
    items = pl.read_ndjson(files / "items.jsonl")["id"].to_list()
    secret, publishable = (home / _KEYS).read_text().split()
    return Template(data, files, ranked["user_id"].to_list(), items, events, secret, publishable)


def _make(home: Path) -> None:
    data, files = home / "data", home / "files"
    must(data, "simulate", "--out", str(files), "--customers", "600", "--items", "200", "--days", "90", "--seed", "7")
    must(data, "import-items", str(files / "items.jsonl"))
    must(data, "import", str(files / "events.parquet"))
    must(data, "train")
    (home / _KEYS).write_text(f"{new_key(data, 'secret')} {new_key(data, 'publishable')}")


@pytest.fixture(scope="session")
def copy_of(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Path]]:
    """Makes a shop of one's own from the template."""
    home = tmp_path_factory.mktemp("copies")
    made: list[Path] = []

    def copy() -> Path:
        data = home / f"shop{len(made)}"
        shutil.copytree(template.data, data, ignore=shutil.ignore_patterns("*.sock"))
        made.append(data)
        return data

    yield copy
    for data in made:
        stop_store(data)


@pytest.fixture(scope="session")
def shop(copy_of: Callable[[], Path]) -> Path:
    """The shop that most tests share; they leave it as they found it, but for customers of their own."""
    return copy_of()


@pytest.fixture(scope="session")
def first(shop: Path) -> Iterator[Server]:
    """A server with two serving processes."""
    with Server(shop, workers=2) as server:
        yield server


@pytest.fixture(scope="session")
def second(shop: Path, first: Server) -> Iterator[Server]:
    """Another server on the same data folder."""
    with Server(shop) as server:
        yield server


@pytest.fixture
def here(first: Server, template: Template) -> Iterator[httpx.Client]:
    """A client of the first server with a secret key; a connection of its own each time, so any process may answer."""
    limits = httpx.Limits(max_keepalive_connections=0)
    with first.client(template.secret, limits=limits) as client:
        yield client


@pytest.fixture
def there(second: Server, template: Template) -> Iterator[httpx.Client]:
    """A client of the second server with a secret key."""
    with second.client(template.secret) as client:
        yield client


@pytest.fixture
def browser(first: Server, template: Template) -> Iterator[httpx.Client]:
    """A client of the first server with a publishable key."""
    with first.client(template.publishable) as client:
        yield client


@pytest.fixture
def name() -> Callable[[], str]:
    """Names of customers nobody has heard of."""
    numbers = count()
    return lambda: f"newcomer-{next(_RUNS)}-{next(numbers)}"


_RUNS = count()
