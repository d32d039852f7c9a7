"""A mapping as a person writes it, and what is said of mistakes in it."""

from pathlib import Path

import pytest

from etappe.errors import InputError
from etappe.importing.mapping import mapping

PLACE = Path("mapping.toml")
GOOD = """
[file]
kind = "events"
decimal = ","
dates = "dmy"

[columns]
"Bestellnummer" = "order_id"
"Datum" = "timestamp"
"Kunden-Nr." = "user_id"
"Artikelnummer" = "item_id"
"Status" = ["event", "properties.status"]
"Notiz" = ""

[constants]
currency = "EUR"

[values.event]
"bezahlt" = "purchase"
"storniert" = "refund"
"""


def _said(text: str) -> str:
    with pytest.raises(InputError) as caught:
        mapping.parsed(text, PLACE)
    return str(caught.value)


def test_a_mapping_is_read() -> None:
    """One column may become two things, and one nothing."""
    told = mapping.parsed(GOOD, PLACE)
    assert mapping.by_target(told.columns) == {
        "order_id": "Bestellnummer", "timestamp": "Datum", "user_id": "Kunden-Nr.", "item_id": "Artikelnummer",
        "event": "Status", "properties.status": "Status",
    }  # fmt: skip
    assert told.headers() == {"Bestellnummer", "Datum", "Kunden-Nr.", "Artikelnummer", "Status", "Notiz"}
    assert told.values["event"]["storniert"] == "refund"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("decimal", "decimals", "mapping.toml line 4: 'decimals' is no setting; did you mean 'decimal'?"),
        (
            '"timestamp"',
            '"timestmp"',
            "line 9: 'timestmp' is nothing a column of events can become; did you mean 'time",
        ),
        ('= "refund"', '= "refnd"', "line 20: 'refnd' is no event; did you mean 'refund'?"),
        ("[constants]", "[constant]", "line 15: 'constant' is no setting; did you mean 'constants'?"),
        ('"dmy"', '"dym"', "line 5: dates: there are iso, dmy, mdy, epoch, excel"),
        ('"dmy"', '"?"', "line 5: dates is not decided"),
        ('"refund"', '"?"', "line 20: what 'storniert' becomes is not decided"),
        (
            'currency = "EUR"',
            'curency = "EUR"',
            "line 16: 'curency' is nothing a column of events can become; did you m",
        ),
        ('"Notiz" = ""', '"Notiz" = "order_id"', "two columns become 'order_id'"),
        ('"Datum" = "timestamp"', '"Datum" = ""', "no column says when it happened; one has to become timestamp"),
        ('["event", "properties.status"]', '"properties.status"', "nothing says what happened"),
        ('kind = "events"', 'kind = "customers"', "is nothing a column of customers can become"),
        (
            "[constants]",
            '[types]\n"properties.status" = "nmber"',
            "line 16: 'nmber' is no type; there are text, number",
        ),
        ('dates = "dmy"', 'zone = "Europe/Berlni"', "line 5: 'Europe/Berlni' is no time zone"),
        ('"Datum" =', "Das Datum =", "no TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line(before: str, after: str, expected: str) -> None:
    """The line, what stands there, and what was meant."""
    assert expected in _said(GOOD.replace(before, after))


def test_rules_of_several_events_are_checked_too() -> None:
    """A misspelt event or a pattern that is none does not wait for the first row."""
    rule = '\n[[events]]\nevent = "refund"\nwhen = {"Menge" = "%s"}\n'
    assert mapping.parsed(GOOD + rule % "<0", PLACE).events[0].when == {"Menge": "<0"}
    assert "no regular expression" in _said(GOOD + rule % "/(/")
    assert "did you mean 'refund'" in _said(GOOD + (rule % "<0").replace('"refund"', '"refun"'))
    assert "'whn' is no setting; did you mean 'when'?" in _said(GOOD + (rule % "<0").replace("when", "whn"))


def test_a_mapping_of_another_kind_names_its_command(tmp_path: Path) -> None:
    """Who takes a mapping of customers for one of events is told which command takes it."""
    path = tmp_path / "m.toml"
    path.write_text('[file]\nkind = "customers"\n[columns]\n"Nr" = "user_id"\n')
    assert mapping.load(path, "customers").file.kind == "customers"
    with pytest.raises(InputError, match="etappe import-customers FILE --map"):
        mapping.load(path, "events")


def test_a_mapping_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    """The remedy is the command that writes it."""
    with pytest.raises(InputError, match="etappe look FILE --out"):
        mapping.load(tmp_path / "none.toml", "events")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("x = " + "[" * 50_000 + "]" * 50_000, "nested too deep"),
        ("x = " + "9" * 5_000, "too many digits"),
    ],
)
def test_what_no_person_writes(more: str, expected: str) -> None:
    """A mapping that its reader cannot bear is refused in one line."""
    assert expected in _said(f"{GOOD}\n{more}\n")


@pytest.mark.parametrize("separator", ["ab", "", '\\"', "\\n"])
def test_a_separator_is_one_sign(separator: str) -> None:
    """What parts no cells is refused with its line."""
    said = _said(f'[file]\nseparator = "{separator}"\n[columns]\n"Nr" = "user_id"\n"Datum" = "timestamp"\n')
    assert " line 2: separator:" in said
    assert "is no separator; give one sign" in said
