"""Every model on a shop whose right answers are plain: a checkerboard.

Customer c bought every item i of their own parity but item c itself. So item c, and no other, is what is missing. The
test is implicit's own (`tests/recommender_base_test.py`), run from the log through the snapshot to the scores.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.unit.models.named import Named, named

from etappe.ids import item_hash
from etappe.models import factors
from etappe.models.best import BY_PLACE, best
from etappe.models.snapshot import Snapshot
from etappe.settings import Learning, Settings
from etappe.training.fit import fit_snapshot

SIZE = 30
PURCHASE = 5.0


def _bought(customer: int) -> list[int]:
    return [item for item in range(SIZE) if (item + customer) % 2 == 0 and item != customer]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[pl.LazyFrame], Snapshot]:
    """Trains once on the log given first."""
    opened: list[Snapshot] = []

    def train(events: pl.LazyFrame) -> Snapshot:
        if not opened:
            folder = tmp_path_factory.mktemp("snapshots")
            settings = Settings(learning=Learning(factors=2, regularisation=0.01))
            manifest = fit_snapshot(events, settings=settings, log_position=1, folder=folder)
            opened.append(Snapshot.open(folder / manifest.version))
        return opened[0]

    return train


@pytest.fixture
def board(trained: Callable[[pl.LazyFrame], Snapshot], log: Callable[..., pl.LazyFrame]) -> Snapshot:
    """The snapshot of the checkerboard; each customer bought all in one order."""
    rows = [
        ("purchase", f"c{customer}", f"i{item}", f"o{customer}", 0)
        for customer in range(SIZE)
        for item in _bought(customer)
    ]
    return trained(log(rows))


def _row(board: Snapshot, item: int) -> int:
    return int(board.rows_of(np.array([item_hash(f"i{item}")], np.uint64))[0])


class KnownAnswers:
    """What every model that knows customers must get right."""

    def scores(self, board: Snapshot, rows: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
        """float32[n]: the model's score of each item for a history."""
        raise NotImplementedError

    @pytest.mark.parametrize("customer", range(SIZE))
    def test_the_missing_item_is_recommended(self, board: Snapshot, customer: int) -> None:
        """Of what a customer has not bought, the one item of their own colour leads, and well."""
        history = np.array([_row(board, item) for item in _bought(customer)], np.int32)
        found = self.scores(board, history, np.full(len(history), PURCHASE)).copy()
        found[history] = -np.inf
        first, second = best(found, BY_PLACE, 2)
        assert first == _row(board, customer)
        assert found[first] > 2 * found[second]

    def test_one_item_tells_the_colour(self, board: Snapshot) -> None:
        """A stranger who bought one white item is recommended white items only."""
        found = self.scores(board, np.array([_row(board, 4)], np.int32), np.array([PURCHASE])).copy()
        found[_row(board, 4)] = -np.inf
        white = {_row(board, item) for item in range(0, SIZE, 2)}
        assert set(best(found, BY_PLACE, 14).tolist()) == white - {_row(board, 4)}

    def test_no_history_no_opinion(self, board: Snapshot) -> None:
        """Without a history every item scores 0."""
        assert not self.scores(board, np.zeros(0, np.int32), np.zeros(0)).any()


class TestFactors(KnownAnswers):
    """Scores of a folded-in vector."""

    def scores(self, board: Snapshot, rows: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
        """Item factors times the customer's."""
        told = board.parameters
        taste = factors.fold_in(board.factors[rows], weights, board.gram, told.regularisation, told.alpha).vector
        return factors.scores(taste, board.factors)


class TestAlsoBought(KnownAnswers):
    """Neighbours by histories."""

    def scores(self, board: Snapshot, rows: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
        """The sums over the history's lists."""
        return _spread(board, named(board.also_bought, rows, weights))


class TestAlsoBoughtAgain(KnownAnswers):
    """Neighbours by histories, where items may speak for themselves."""

    def scores(self, board: Snapshot, rows: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
        """The sums over the history's lists and the history itself."""
        return _spread(board, named(board.also_bought, rows, weights, (board.own, board.customers)))


class TestBoughtTogether(KnownAnswers):
    """Neighbours by orders."""

    def scores(self, board: Snapshot, rows: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
        """The sums over the cart's lists."""
        return _spread(board, named(board.bought_together, rows, weights))


def _spread(board: Snapshot, found: Named) -> NDArray[np.float32]:
    scores = np.zeros(len(board.items), np.float32)
    scores[found.rows] = found.scores
    return scores


def test_popularity_is_what_was_bought(board: Snapshot) -> None:
    """Every item was bought by 14 customers, once each and just now: all are equally popular, by every measure."""
    everywhere = [SIZE // 2 - 1] * SIZE
    assert board.customers.tolist() == board.orders.tolist() == everywhere
    assert board.popularity.tolist() == everywhere
    assert board.windows.tolist() == [everywhere] * 4
