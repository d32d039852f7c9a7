"""The evaluation of a shop whose future is planted."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from tests.unit.models.made import strip

from etappe.arrays import Manifest
from etappe.catalog.item import Item
from etappe.errors import InputError
from etappe.evaluation import run
from etappe.evaluation.report import Report
from etappe.evaluation.run import SERVED, SOURCES, evaluate
from etappe.settings import Learning, Settings, Showing

Row = tuple[str, str | None, str, float]
SETTINGS = Settings(learning=Learning(factors=3, regularisation=0.01), showing=Showing(floor_days=0, again_share=0.0))


@pytest.fixture
def report(events: pl.LazyFrame) -> Report:
    """Lists of one over the planted log."""
    return evaluate(events, settings=SETTINGS, test_days=10, k=1)


def test_the_missing_item_is_foreseen(report: Report) -> None:
    """Of new items, the one that completes a customer's group comes first from every source that knows customers."""
    for name in ("copurchase", "factors", SERVED):
        line = report.line(name)
        assert line.new.customers == 24
        assert line.new.recall == line.new.ndcg == 1.0, name
        assert line.new.coverage == 1.0, name


def test_popularity_knows_no_group(report: Report) -> None:
    """One item for all is right for the customers of one group at most, and covers few items."""
    for name in ("popular", "popular, decayed"):
        line = report.line(name)
        assert line.all.coverage == pytest.approx(1 / 24)
        assert line.all.recall <= 1 / 3
        assert line.new.recall <= 1 / 8


def test_repeats_count_among_all(events: pl.LazyFrame) -> None:
    """With room for a whole group the list served holds both the new item and the one bought again."""
    line = evaluate(events, settings=SETTINGS, test_days=10, k=8).line(SERVED)
    assert line.all.recall == 1.0
    assert line.all.ndcg < 1.0


def test_the_report_tells_what_was_learned_from(report: Report) -> None:
    """Cut, sizes and options, and a line for each source and the list served."""
    assert (report.customers, report.items, report.pairs) == (24, 24, 24 * 7)
    assert (report.test_days, report.k, report.learned_from) == (10, 1, "purchases")
    assert [line.name for line in report.lines] == [*SOURCES, SERVED]
    assert report.metrics()["factors.new.recall"] == 1.0
    assert len(report.metrics()) == 4 * len(report.lines)


@pytest.mark.parametrize(
    ("part", "gone"), [("factors", ["factors"]), ("also_bought", ["copurchase"]), ("wishlists", [])]
)
def test_a_part_that_was_not_trained_has_no_line(
    events: pl.LazyFrame, monkeypatch: pytest.MonkeyPatch, part: str, gone: list[str]
) -> None:
    """A source whose part the snapshot lacks is left out of the report, and the list served does without it."""
    whole = run.fit_snapshot

    def fitted(*args: Any, **options: Any) -> Manifest:
        manifest = whole(*args, **options)
        strip(options["folder"] / manifest.version, [part])
        return manifest

    monkeypatch.setattr(run, "fit_snapshot", fitted)
    report = evaluate(events, settings=SETTINGS, test_days=10, k=1)
    assert [line.name for line in report.lines] == [name for name in (*SOURCES, SERVED) if name not in gone]
    assert report.line(SERVED).new.recall == 1.0


def test_the_served_list_keeps_the_rules(events: pl.LazyFrame) -> None:
    """With a floor longer than the log nothing owned is served, so repeats are lost; the sources alone know no rules."""
    strict = Settings(learning=SETTINGS.learning, showing=Showing(floor_days=400, again_share=0.0))
    lax, kept = (evaluate(events, settings=one, test_days=10, k=8) for one in (SETTINGS, strict))
    assert kept.line(SERVED).all.recall == pytest.approx(0.5)
    assert kept.line("copurchase") == lax.line("copurchase")


def test_what_nobody_bought_again_is_not_served_to_its_buyer(events: pl.LazyFrame) -> None:
    """By default the list served leaves out what was bought before, where no customer ever came back for it."""
    learned = Settings(learning=SETTINGS.learning, showing=Showing(floor_days=0))
    assert evaluate(events, settings=learned, test_days=10, k=8).line(SERVED).all.recall == pytest.approx(0.5)


def test_variants_share_a_place(events: pl.LazyFrame) -> None:
    """The catalogue's groups hold in evaluation too: of a group of variants one is served."""
    variants = [Item(id=f"i{group}-{item}", item_group_id=f"g{group}") for group in range(3) for item in range(8)]
    report = evaluate(events, settings=SETTINGS, test_days=10, k=8, items=variants)
    assert report.line(SERVED).all.recall < 1.0


def test_what_is_sold_out_today_was_sold_then(events: pl.LazyFrame) -> None:
    """Availability of today says nothing of the past."""
    gone = [Item(id=f"i{group}-{item}", available=False) for group in range(3) for item in range(8)]
    report = evaluate(events, settings=SETTINGS, test_days=10, k=1, items=gone)
    assert report.line(SERVED).new.recall == 1.0


def test_the_test_is_never_learned_from(rows: list[Row], make: Callable[[list[Row]], pl.LazyFrame]) -> None:
    """What is bought after the cut changes who is right, never what is recommended."""
    before = [row for row in rows if row[3] < 30]
    other = [("purchase", f"c{customer:02}", f"i{(customer + 1) % 3}-0", 40.0) for customer in range(24)]
    planted, moved = (evaluate(make(one), settings=SETTINGS, test_days=10, k=2) for one in (rows, before + other))
    assert moved.line("factors").new.recall == 0.0
    assert moved.line("factors").new.coverage == planted.line("factors").new.coverage


def test_evaluating_twice_gives_the_same(events: pl.LazyFrame, report: Report) -> None:
    """The same log and settings give the same report."""
    assert evaluate(events, settings=SETTINGS, test_days=10, k=1) == report


@pytest.mark.parametrize("k", [0, 101])
def test_lists_have_a_length(events: pl.LazyFrame, k: int) -> None:
    """Lists are as long as a placement may ask for."""
    with pytest.raises(InputError, match="k is 1 to 100"):
        evaluate(events, settings=SETTINGS, k=k)


def test_a_sample_is_drawn_of_many(events: pl.LazyFrame, report: Report) -> None:
    """No more customers are tested than asked for, always the same ones; all that were bought are learned from."""
    few, again = (evaluate(events, settings=SETTINGS, test_days=10, k=1, sample=9) for _ in range(2))
    assert few == again
    assert few.line("factors").all.customers == 9
    assert few.pairs == report.pairs


def test_progress_ends_with_the_last_customer(events: pl.LazyFrame) -> None:
    """A watcher sees learning and asking, rising to the end."""
    told: list[tuple[str, int, int]] = []
    evaluate(events, settings=SETTINGS, test_days=10, k=1, progress=lambda *step: told.append(step))
    asked = [step for step in told if step[0] == "asking for test customers"]
    assert [done for _, done, _ in asked] == sorted(done for _, done, _ in asked)
    assert asked[-1][1] == asked[-1][2] > 0
