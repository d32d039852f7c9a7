"""Any file as a table of text: its encoding and separator as told, or as its bytes tell."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from etappe.errors import InputError
from etappe.importing.reading import batch as rows_
from etappe.importing.reading import columnar, json_lines, lines, sources, unpacked
from etappe.importing.reading.batch import Batch, Broken

_SAMPLE: Final = 1 << 20
_SEPARATORS: Final = (",", ";", "\t", "|")
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Form(msgspec.Struct, frozen=True):
    """What kind of file it is (csv, jsonl, parquet) and, of text, its encoding and separator."""

    kind: str
    encoding: str | None = None
    separator: str | None = None


class Table(msgspec.Struct, frozen=True):
    """The header of a file and its rows, as text."""

    form: Form
    header: list[str]
    batches: Iterator[Batch]


def form_of(path: Path, encoding: str | None = None, separator: str | None = None) -> Form:
    """What `path` is, as far as it is not told."""
    kind = sources.KINDS.get(
        next((one.lower() for one in reversed(path.suffixes) if one.lower() not in (".gz", ".zst")), ""), "csv"
    )
    if kind in ("parquet", "jsonl"):
        return Form(kind)
    with unpacked.opened(path) as file:
        sample = file.read(_SAMPLE)
    if not sample:
        raise InputError(f"{path} is empty")
    encoding = encoding or _encoding(sample)
    return Form("csv", encoding, separator or _separator(path, sample, encoding))


def read(path: Path, form: Form) -> Table:
    """The table in `path`, read as `form`. Empty cells are null, and cells have no space around them.

    Raises:
        InputError: it cannot be read so.
    """
    if form.kind == "parquet":
        header, batches = columnar.read(path)
        return Table(form, header, batches)
    if form.kind == "jsonl":
        header = _keys(path)
        return Table(form, header, _objects(path, header))
    records = _records(path, form)
    header = [name.strip() for name in next(records)[1]]
    while header and not header[-1]:
        header.pop()
    return Table(form, header, _batches(records, header))


def _records(path: Path, form: Form) -> Iterator[tuple[int, list[str]]]:
    with unpacked.opened(path) as file:
        text = io.TextIOWrapper(file, encoding=form.encoding, newline="")
        reader = csv.reader(text, delimiter=form.separator or ",")
        line = 1
        try:
            for record in reader:
                if any(record) and not (line == 1 and record[0].startswith("sep=")):
                    yield line, record
                line = reader.line_num + 1
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: it is not {form.encoding} text; name its encoding under [file]") from error
        except csv.Error as error:
            raise InputError(f"{path}, line {line}: {error}") from error


def _batches(records: Iterator[tuple[int, list[str]]], header: list[str]) -> Iterator[Batch]:
    width = len(header)
    while some := list(islice(records, lines.BATCH)):
        good, bad = [], []
        for line, record in some:
            if any(cell.strip() for cell in record[width:]):
                bad.append(Broken(line, rows_.WRONG_WIDTH, ",".join(record)))
            else:
                cells = [cell.strip() or None for cell in record[:width]]
                good.append((line, cells + [None] * (width - len(cells))))
        yield Batch(rows_.frame(header, good), bad)  # type: ignore[arg-type]


def _keys(path: Path) -> list[str]:
    found: dict[str, None] = {}
    for decoded in json_lines.read(path, dict[str, Any]):
        found |= {key: None for row in decoded.values for key in row}
    return list(found)


def _objects(path: Path, header: list[str]) -> Iterator[Batch]:
    for decoded in json_lines.read(path, dict[str, Any]):
        records = [[_text(row.get(name)) for name in header] for row in decoded.values]
        yield Batch(rows_.frame(header, zip(decoded.lines, records, strict=True)), decoded.broken)  # type: ignore[arg-type]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return (value or "").strip() or None
    return msgspec.json.encode(value).decode()


def _encoding(sample: bytes) -> str:
    marked = next((name for mark, name in _MARKS if sample.startswith(mark)), None)
    if marked:
        return marked
    try:
        sample[: sample.rfind(b"\n") + 1 or None].decode()
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"


def _separator(path: Path, sample: bytes, encoding: str) -> str:
    text = sample.decode(encoding, errors="replace").lstrip("\ufeff")
    first = text.splitlines()[0]
    if first.startswith("sep=") and len(first) > 4:  # noqa: PLR2004
        return first[4]
    counts = {one: first.count(one) for one in _SEPARATORS}
    best = max(counts, key=lambda one: counts[one])
    if not counts[best]:
        raise InputError(f"{path}: its first line {first[:60]!r} names no columns; name the separator under [file]")
    return best
