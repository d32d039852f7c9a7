"""How sure a weight makes us."""

import numpy as np
import pytest

from etappe.events.vocabulary import CODES, STRENGTH
from etappe.models.confidence import PURCHASE, confidences


def test_one_fresh_purchase_counts_one() -> None:
    """The strength of a purchase has confidence 1, two have log2 3, three have 2."""
    purchase = STRENGTH[CODES["purchase"]]
    assert confidences(np.array([purchase, 2 * purchase, 3 * purchase])) == pytest.approx([1.0, np.log2(3.0), 2.0])
    assert purchase == PURCHASE


def test_what_is_cancelled_or_long_ago_counts_nothing() -> None:
    """Weights of 0 and below have confidence 0; a weight of ages ago has next to none."""
    assert confidences(np.array([0.0, -3.0])).tolist() == [0.0, 0.0]
    assert 0 < confidences(np.array([1e-9]))[0] < 1e-8
    assert confidences(np.zeros(0)).tolist() == []
