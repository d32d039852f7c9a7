"""A column decides what one of its values leaves open, however late it tells."""

from etappe.values import deciding
from etappe.values.money import Mark
from etappe.values.times import Order


def test_what_is_told_at_once_is_read_once() -> None:
    """A rule that is known before the first open value needs no second reading."""
    column = deciding.amounts()
    column.learn(["9,90"])
    column.learn(["1,299"])
    assert (column.rule, column.is_told, column.is_to_be_read_again) == (Mark.COMMA, True, False)


def test_what_is_told_late_is_read_again() -> None:
    """Open values that were read by another rule are to be read again, by what the whole column told."""
    column = deciding.dates()
    column.learn(["01/12/2026"])
    assert column.rule is Order.AMBIGUOUS
    column.learn(["13/12/2026"])
    assert column.is_to_be_read_again
    column.again()
    column.learn(["01/12/2026"])
    assert (column.rule, column.is_to_be_read_again) == (Order.DMY, False)


def test_the_usual_rule() -> None:
    """Where nothing is told amounts have a decimal point and dates no order; what is stated goes before all."""
    usual, none, stated = deciding.amounts(), deciding.dates(), deciding.amounts(Mark.COMMA)
    for column, text in ((usual, "1,299"), (none, "01/02/2026"), (stated, "9.90")):
        column.learn([text])
    assert (usual.rule, none.rule, stated.rule) == (Mark.POINT, Order.AMBIGUOUS, Mark.COMMA)
    assert [column.is_told for column in (usual, none, stated)] == [False] * 3
