"""Amounts of money in the spellings of shops, and what they leave open."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.values import currencies, money
from etappe.values.money import Mark, Money
from etappe.values.unreadable import Unreadable

COMMA, POINT = Mark.COMMA, Mark.POINT


@pytest.mark.parametrize(
    ("written", "amount", "currency"),
    [
        ("1,299.00", "1299", None), ("1.299,00", "1299", None), ("9,90", "9.9", None), ("$35.50", "35.5", None),
        ("12.99 EUR", "12.99", "EUR"), ("EUR 12.99", "12.99", "EUR"), ("eur12,99", "12.99", "EUR"),
        ("1\u00a0299,00\u00a0€", "1299", "EUR"), ("1\u202f299,00", "1299", None), ("CHF 1'299.95", "1299.95", "CHF"),
        ("1\u2019299.95", "1299.95", None), ("£3", "3", "GBP"), ("R$ 1.299,90", "1299.9", "BRL"),
        ("1.299.000", "1299000", None), ("1,29,999.50", "129999.5", None), ("0,345", "0.345", None),
        ("1299.000", "1299", None), ("1.2345", "1.2345", None), (".5", "0.5", None), ("5,", "5", None),
        ("12,-", "12", None), ("-5", "-5", None), ("\u22125", "-5", None), ("5.00-", "-5", None), ("1e3", "1000", None),
        ("$12.50 USD", "12.5", "USD"), ("CAD$7", "7", "CAD"), ("US $8.25", "8.25", "USD"), ("€4 EUR", "4", "EUR"),
        ("Rs. 1,499.50", "1499.5", None), ("Kr.75,-", "75", None), ("Fr. 18.40", "18.4", "CHF"), ("22,50 lei", "22.5", "RON"),
        ("45 TL", "45", "TRY"), ("31,\u2014 €", "31", "EUR"), ("6,20 zl", "6.2", "PLN"),
        ("1.299 KWD", "1.299", "KWD"), ("1,299 JPY", "1299", "JPY"), (35.9, "35.9", None), (7, "7", None),
        (0.1 + 0.2, "0.30000000000000004", None),
    ],
)  # fmt: skip
def test_spellings(written: object, amount: str, currency: str | None) -> None:
    """What one amount can only mean it means, alone and in whatever column."""
    for mark in Mark:
        assert money.read(written, mark) == Money(Decimal(amount), currency)


@pytest.mark.parametrize(
    "written",
    [
        "", "abc", "NaN", "inf", "1.2.3", "1,2,3", "12,99,", "1,,2", "12 EUR EUR", "EUR 12 USD", "$5 EUR", "5 Taler", "5 PCS", "3 Stk", "9 net", "1 2", "12 34",
        "1.299,00.5", "--5", "(5)", "9" * 65, None, True, [], float("nan"), float("inf"), 10**400,
    ],
)  # fmt: skip
def test_no_amount(written: object) -> None:
    """What is no amount is none, by whichever mark."""
    for mark in Mark:
        with pytest.raises(Unreadable, match="no amount of money"):
            money.read(written, mark)


@pytest.mark.parametrize(("written", "point", "comma"), [("1,299", "1299", "1.299"), ("$12.345", "12.345", "12345")])
def test_open(written: str, point: str, comma: str) -> None:
    """One mark before three digits is read as its column is, and not at all where that does not tell."""
    assert (money.read(written, POINT).amount, money.read(written, COMMA).amount) == (Decimal(point), Decimal(comma))
    for mark in (Mark.AMBIGUOUS, Mark.BOTH):
        with pytest.raises(Unreadable, match="ambiguous"):
            money.read(written, mark)


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["1,299", "35,50"], COMMA), (["1,299", "35.50"], POINT), (["1,299", "7"], Mark.AMBIGUOUS), ([], Mark.AMBIGUOUS),
        (["9,90", "9.90"], Mark.BOTH), (["1.299.000"], COMMA), (["abc", "1 299,00 €"], COMMA), (["1,299 JPY"], POINT),
    ],
)  # fmt: skip
def test_a_column_tells(texts: list[str], mark: Mark) -> None:
    """Any amount that can only be one settles its column."""
    assert money.mark_of(texts) is mark


@pytest.mark.parametrize(("written", "stated"), [("5 EUR", "USD"), ("$5", "EUR"), ("5 kr", "EUR")])
def test_another_currency(written: str, stated: str) -> None:
    """An amount that names another currency than is stated beside it is refused; a sign may mean several."""
    with pytest.raises(Unreadable, match="another currency"):
        money.read(written, currency=stated)
    assert money.read("$5", currency="CAD").currency is None


@given(st.decimals(-(10**9), 10**9, places=2), st.booleans())
def test_written_and_read(amount: Decimal, comma: bool) -> None:
    """An amount with thousands and two decimals, in either way, comes back exactly."""
    text = f"{amount:,.2f}"
    swapped = text.translate(str.maketrans(",.", ".,")) if comma else text
    assert money.read(swapped).amount == amount
    assert money.read(money.plain(float(amount))).amount == amount


@pytest.mark.parametrize(
    ("written", "code"), [(" eur ", "EUR"), ("€", "EUR"), ("", None), ("NULL", None), (None, None)]
)
def test_codes(written: object, code: str | None) -> None:
    """Codes are in capitals, a sign of one currency is its code, and nothing is none."""
    assert currencies.code(written) == code


@pytest.mark.parametrize("written", ["US Dollar", "$", "EU", "E1R", 7])
def test_no_currency(written: object) -> None:
    """What is no currency, or one of several, is refused."""
    with pytest.raises(Unreadable, match="no currency"):
        currencies.code(written)
