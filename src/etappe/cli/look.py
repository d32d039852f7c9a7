"""`etappe look`: what a file is, and the mapping by which it comes in."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from etappe import settings
from etappe.cli import show
from etappe.cli.options import HERE, Where
from etappe.importing.mapping import looking, mapping
from etappe.importing.mapping.looking import Look


def look(
    file: Path,
    *,
    out: Annotated[Path, Parameter(help="Where the mapping is written.")] = Path("mapping.toml"),
    force: Annotated[bool, Parameter(help="Write over a mapping that is there.", negative="")] = False,
    kind: Annotated[Literal["events", "items", "customers"] | None, Parameter(help="What the rows are.")] = None,
    json: Annotated[bool, Parameter(help="Print what was seen as JSON.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """Look at any file: what its columns are, what they become, what is wrong; and write a mapping to import it by.

    Exit 0 where it can be imported by that mapping as it is, 1 where a person has to decide something.
    """
    seen = looking.look(file, settings.load(where.place().data).catalogue.time_zone, kind)
    show.as_json(_plain(seen)) if json else _show(seen)
    written = _written(out, seen.text, force=force)
    if seen.draft.decisions:
        show.complain(f"to decide in {out}: {'; '.join(seen.draft.decisions)}")
    elif written:
        show.say(f"the mapping is in {out}; import it by: {mapping.COMMANDS[seen.draft.kind]} {file} --map {out}")
    return 0 if written and not seen.draft.decisions else show.NOT_ALL


def _written(out: Path, text: str, *, force: bool) -> bool:
    """Writes the mapping, unless another one is there that nobody wants to lose."""
    if out.exists() and not force and out.read_text(encoding="utf-8") != text:
        show.complain(f"{out} is there already and stays as it is; --force writes over it, --out names another file")
        return False
    out.write_text(text, encoding="utf-8")
    return True


def _show(seen: Look) -> None:
    form = seen.form
    told = ", ".join(str(one) for one in (form.kind, form.encoding, form.separator and f"separator {form.separator!r}") if one)
    show.result(f"{told}; {seen.profile.rows:,} rows of {seen.draft.kind}")
    told_file = {name: line for name, line in seen.draft.file.items() if name in ("decimal", "dates")}
    for name, line in told_file.items():
        show.result(f"{name}: {line.value} ({line.comment})")
    rows = [
        (name, line.value if isinstance(line.value, str) else ", ".join(line.value), seen.draft.types.get(str(line.value), line).value if str(line.value) in seen.draft.types else "", line.comment)
        for name, line in seen.draft.columns.items()
    ]
    show.table("", ("column", "becomes", "type", "what stands in it"), rows)
    for target, values in seen.draft.values.items():
        show.table("", (f"cell of {seen.draft.target(target)}", target, ""), [(cell, line.value, line.comment) for cell, line in values.items()])
    for target, line in seen.draft.constants.items():
        show.result(f"{target} is {line.value} ({line.comment})")
    if seen.becomes:
        show.table("", ("the rows become", "count"), list(seen.becomes.items()))
        _show_first(seen.first)
    if seen.problems:
        show.table("", ("problem", "count", "first in line"), [(one.what, one.count or None, one.line) for one in seen.problems])
    else:
        show.result("nothing is wrong with it")


def _show_first(rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    show.table("", names, [[_cell(row.get(name)) for name in names] for row in rows])


def _cell(value: Any) -> object:
    return value if value is None or isinstance(value, str | int) else f"{value:.2f}" if isinstance(value, float) else f"{value}"


def _plain(seen: Look) -> dict[str, Any]:
    built = msgspec.to_builtins(seen)
    for column in built["profile"]["columns"]:
        del column["counts"]
    return built | {"mapping": seen.text}
