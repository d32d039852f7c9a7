"""How text is encoded: told, or refused with the remedy."""

from pathlib import Path

import pytest

from etappe.errors import InputError
from etappe.importing.reading import sources
from etappe.importing.reading.source import Source
from etappe.importing.reading.text import encodings

GERMAN = "id;Titel\n1;Größe \u2013 40 €\n2;Café “Süd”\n3;L\u2019été\n"


def _cells(source: Source) -> list[str]:
    return [row[-1] for batch in sources.rows(source) for row in batch.rows.iter_rows()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_recognised(file: Path, codec: str) -> None:
    """UTF-8, UTF-16 with and without a mark, UTF-32 and Windows-1252 are read as what they are."""
    file.write_bytes(GERMAN.encode(codec))
    assert _cells(Source(file)) == ["Größe \u2013 40 €", "Café “Süd”", "L\u2019été"]


def test_windows_is_named(file: Path) -> None:
    """Who has a file read as Windows-1252 is told so, with a word to judge by; UTF-8 needs no word."""
    file.write_bytes(GERMAN.encode("cp1252"))
    assert "Windows-1252 ('Größe' in line 2)" in str(encodings.told(file).remark)
    file.write_text(GERMAN)
    assert encodings.told(file).remark is None


def test_first_sign_at_the_end(file: Path) -> None:
    """One letter behind megabytes of ASCII tells the encoding of the whole."""
    file.write_bytes(b"id\n" + b"abc\n" * 2_000_000 + "Köln\n".encode("cp1252"))
    assert encodings.told(file).codec == "cp1252"


@pytest.mark.parametrize(
    ("codec", "words"),
    [
        ("cp1250", "młotek książka żółty stół"),
        ("cp1250", "žlutý kůň řeřicha čaj"),
        ("cp1251", "чайник кружка"),
        ("cp1254", "çaydanl\u0131k taba\u011f\u0131 şeker"),
        ("mac_roman", "Küche Größe Bügeleisen"),
        ("cp850", "Küche Größe Bügeleisen"),
        ("iso8859-15", "40 €"),
    ],
)
def test_others_are_refused_by_name(file: Path, codec: str, words: str) -> None:
    """Other 8-bit encodings are never read as Windows-1252; the error names the likeliest, and with it they are read."""
    text = "id;title\n" + "".join(f"1;{word}\n" for word in words.split())
    file.write_bytes(text.encode(codec))
    with pytest.raises(InputError, match=f"cannot be known: line .* --encoding {codec}"):
        encodings.told(file)
    assert _cells(Source(file, codec)) == words.split()


def test_damaged_utf8(file: Path) -> None:
    """UTF-8 with damage is refused with its lines; asked for by name, the damaged rows alone are left out."""
    file.write_bytes("id,title\n1,Öl\n2,Küche\n".encode() + b"3,K\xfcche\n4,x\n")
    with pytest.raises(InputError, match=r"UTF-8 text, but line 4 holds bytes that are none.*--encoding utf-8"):
        encodings.told(file)
    batches = list(sources.rows(Source(file, "utf-8")))
    assert [batch.rows["id"].to_list() for batch in batches] == [["1", "2", "4"]]
    assert [one.line for one in batches[0].broken] == [4]


def test_no_encoding(file: Path) -> None:
    """An encoding that does not exist is refused with some that do."""
    file.write_text("id\n1\n")
    with pytest.raises(InputError, match="encoding 'klingon' is not known; give one such as utf-8, cp1252"):
        encodings.asked(file, "klingon")


@pytest.mark.parametrize("name", ["rot13", "zip", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "a\0b"])
def test_what_is_no_encoding_of_files(file: Path, name: str) -> None:
    """Codecs for hosts, escapes and packing are refused as what does not exist: cells would come out as others."""
    file.write_text("id\n1\n")
    with pytest.raises(InputError, match="is not known; give one such as utf-8"):
        encodings.asked(file, name)


@pytest.mark.parametrize("name", ["latin-1", "iso-8859-1", "ascii", "cp1252"])
def test_latin1_is_windows(file: Path, name: str) -> None:
    """Who says Latin-1 means Windows-1252, which has signs where that has control characters."""
    file.write_bytes(GERMAN.encode("cp1252"))
    assert _cells(Source(file, name))[0] == "Größe \u2013 40 €"


def test_control_characters_are_signs(file: Path) -> None:
    """What was converted as Latin-1 has control characters for signs; the signs come back, and it is told."""
    file.write_bytes(GERMAN.encode("cp1252").decode("latin-1").encode())
    source = Source(file)
    assert _cells(source)[0] == "Größe \u2013 40 €"
    assert "5 control characters were read as the signs" in source.remarks[0]


def test_garbled_text_is_told(file: Path) -> None:
    """UTF-8 that was taken for Windows-1252 before is read as it stands and told of; real letters are not."""
    file.write_bytes(GERMAN.encode().decode("cp1252", "ignore").encode())
    source = Source(file)
    assert _cells(source)[0].startswith("GrÃ¶ÃŸe")
    assert "'Ã¶' for 'ö'" in source.remarks[0]
    file.write_text("id,t\n1,PÃO São Â âme\n")
    clean = Source(file)
    _cells(clean)
    assert clean.remarks == []


def test_converted_twice(file: Path) -> None:
    """UTF-16 that was converted as if it were not is refused."""
    file.write_bytes(GERMAN.encode("utf-16").decode("latin-1").encode())
    with pytest.raises(InputError, match="it was UTF-16 and was converted as if it were not"):
        encodings.told(file)


def test_no_text(file: Path) -> None:
    """A picture is no text."""
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    with pytest.raises(InputError, match="it is no text"):
        encodings.told(file)
