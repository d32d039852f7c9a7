"""Single values of other systems' payloads."""

import pytest

from etappe.events.translation import values


@pytest.mark.parametrize(
    ("said", "number"),
    [("4,5", 4.5), (" 4.5 ", 4.5), ("1.234", 1.234), ("1,299", 1299), ("5", 5), ("1.5E-7", 1.5e-7), (4.0, 4)],
)
def test_numbers_are_read_as_quantities_are(said: object, number: float) -> None:
    """A number in text may have a decimal comma; what is open is read with a point, and a whole one is an int."""
    found = values.number(said)
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize("said", ["", "many", "nan", "inf", "1e999", "1_000", "4 EUR", True, None, 10**400, [4]])
def test_what_is_no_number_is_none(said: object) -> None:
    """Words, what is not finite, an amount of money and what only Python takes for a number are none."""
    assert values.number(said) is None
