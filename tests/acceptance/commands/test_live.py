"""The simulated shop played on against a running server: its people see what is decided, and what they do is recorded."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Ran, Server, etappe, inside, logged

VISITS = 40
Seen = tuple[str, str, int, str]
"""Decision, placement, position, item."""


def _play(server: Server, template: Template, key: str, tmp_path: Path, *more: str) -> Ran:
    key_file = tmp_path / "key"
    key_file.write_text(f"{key}\n")
    options = ("--out", str(template.files), "--live", "--url", server.url, "--key-file", str(key_file), *more)
    return etappe(server.data, "simulate", *options)


def test_people_see_what_is_decided(copy_of: Callable[[], Path], template: Template, tmp_path: Path) -> None:
    """All is accepted, and every impression in the log is of an item that its decision showed in that place."""
    data = copy_of()
    with Server(data) as server:
        ran = _play(server, template, template.secret, tmp_path, "--visits", str(VISITS), "--pace", "500")
    assert ran.code == 0, ran.err
    assert ran.out.startswith(f"{VISITS} visits")
    assert " 0 rejected" in ran.out
    assert "sold out" not in ran.err
    rows = logged(data, "event").filter(pl.col("event_id").str.contains("-l"), pl.col("event") == "impression")
    seen = {_seen(json.loads(text), item) for text, item in rows.select("properties", "item_id").drop_nulls().rows()}
    assert len(seen) > VISITS
    assert seen <= _decided(logged(data, "decision"))


def _seen(said: Body, item: str) -> Seen:
    return said["decision"], said["placement"], said["position"], item


def _decided(decisions: pl.DataFrame) -> set[Seen]:
    records = [json.loads(text) for text in decisions["record"]]
    return {
        (record["decision"], placement, one["position"], one["id"])
        for record in records
        for placement, shown in record["shown"].items()
        for one in shown
    }


def test_a_shop_cannot_be_played_with_a_browsers_key(first: Server, template: Template, tmp_path: Path) -> None:
    """A publishable key may not change items; one line says which option names a better one."""
    ran = _play(first, template, template.publishable, tmp_path, "--visits", "1")
    assert ran.code == 1
    assert "--key-file" in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(("option", "value"), [("--days", "3"), ("--seed", "8"), ("--customers", "5")])
def test_another_shop_than_the_one_that_is_there(template: Template, option: str, value: str) -> None:
    """Playing on goes on from the shop in the folder; who asks for another one is told which is there."""
    ran = inside(template.data, "simulate", "--out", str(template.files), "--live", option, value)
    assert ran.code == 1
    assert "holds a shop with" in ran.err
    assert option in ran.err
