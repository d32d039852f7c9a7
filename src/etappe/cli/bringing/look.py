"""`etappe look`: what a file is, and the mapping by which it comes in."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from etappe import settings
from etappe.cli import show
from etappe.cli.bringing.files import Encoding
from etappe.cli.options import HERE, Where
from etappe.errors import InputError
from etappe.importing.mapping import looking, mapping
from etappe.importing.mapping.guessing.draft import Draft
from etappe.importing.mapping.looking import Look
from etappe.importing.reading import files


def look(
    file: Path,
    *,
    out: Annotated[Path, Parameter(help="Where the mapping is written.")] = Path("mapping.toml"),
    force: Annotated[bool, Parameter(help="Write over a mapping that is there.", negative="")] = False,
    kind: Annotated[Literal["events", "items", "customers"] | None, Parameter(help="What the rows are.")] = None,
    encoding: Encoding = None,
    json: Annotated[bool, Parameter(help="Print what was seen as JSON.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """Look at any file: what its columns are, what they become, what is wrong; and write a mapping of it.

    Exit 0 where it can be imported by that mapping as it is, 1 where a person has to decide something.
    """
    file = one_of(file)
    command = looking.command_of(file) if kind is None else None
    if command is not None:
        show.result(f"{file} needs no mapping; import it by: {command}")
        return 0
    seen = looking.look(file, settings.load(where.place().data), kind, encoding=encoding)
    show.as_json(_plain(seen)) if json else _show(seen)
    written = _written(out, seen.text, force=force)
    if seen.draft.decisions:
        show.complain(f"to decide in {out}: {'; '.join(seen.draft.decisions)}")
    elif written:
        show.say(f"the mapping is in {out}; import it by: {mapping.COMMANDS[seen.draft.kind]} {file} --map {out}")
    return 0 if written and not seen.draft.decisions else show.NOT_ALL


def one_of(file: Path) -> Path:
    """The one file that `file` is, or holds as an archive.

    Raises:
        InputError: it is none, or several.
    """
    given = files.named([file])
    if len(given) > 1:
        raise InputError(f"{file} is {len(given)} files; name one of them, as in {given[0]}")
    return given[0]


def _written(out: Path, text: str, *, force: bool) -> bool:
    """Writes the mapping, unless another one is there that nobody wants to lose."""
    if out.exists() and not force and out.read_text(encoding="utf-8") != text:
        show.complain(f"{out} is there already and stays as it is; --force writes over it, --out names another file")
        return False
    out.write_text(text, encoding="utf-8")
    return True


def _show(seen: Look) -> None:
    dialect, draft = seen.dialect, seen.draft
    aspects = [dialect.kind, dialect.text.name if dialect.text else None]
    aspects.append(f"separator {dialect.separator!r}" if dialect.separator else None)
    show.result(f"{', '.join(one for one in aspects if one)}; {seen.profile.rows:,} rows of {draft.kind}")
    for name in ("decimal", "dates"):
        if name in draft.file:
            show.result(f"{name}: {draft.file[name].value} ({draft.file[name].comment})")
    _show_columns(draft)
    if seen.becomes:
        show.table("", ("the rows become", "count"), list(seen.becomes.items()))
        names = list(dict.fromkeys(name for row in seen.first for name in row))
        show.table("", names, [[_cell(row.get(name)) for name in names] for row in seen.first])
    if not seen.problems:
        show.result("nothing is wrong with it")
        return
    problems = [(one.what, one.count or None, one.line) for one in seen.problems]
    show.table("", ("problem", "count", "first in line"), problems)


def _show_columns(draft: Draft) -> None:
    rows = []
    for name, line in draft.columns.items():
        target = line.value if isinstance(line.value, str) else ", ".join(line.value)
        kind = draft.types[target].value if target in draft.types else None
        rows.append((name, target, kind, line.comment))
    show.table("", ("column", "becomes", "type", "what stands in it"), rows)
    for target, values in draft.values.items():
        cells = [(cell, line.value, line.comment) for cell, line in values.items()]
        show.table("", (f"cell of {draft.target(target)}", target, ""), cells)
    for target, line in draft.constants.items():
        show.result(f"{target} is {line.value} ({line.comment})")


def _cell(value: Any) -> object:
    return f"{value:.2f}" if isinstance(value, float) else value


def _plain(seen: Look) -> dict[str, Any]:
    """What was seen as plain objects, without all cells of each column."""
    built: dict[str, Any] = msgspec.to_builtins(seen)
    for column in built["profile"]["columns"]:
        del column["counts"]
    del built["mapping"]
    return built
