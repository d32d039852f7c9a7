"""What is wrong with a file, counted, with a line where it is seen."""

from collections import Counter
from typing import Final

import msgspec

from etappe.importing.mapping.guessing.draft import Draft
from etappe.importing.mapping.guessing.profiles import EMPTY, Column, Profile
from etappe.values import ids
from etappe.values.unreadable import Unreadable

_IDS: Final = ("user_id", "anonymous_id", "item_id", "order_id", "event_id", "id")
_WRECKED: Final = "ids that a spreadsheet has turned into numbers such as 4.00638E+12: export the column as text"


class Problem(msgspec.Struct, frozen=True):
    """Rows or cells (0 where it is said of a whole column), what is wrong with them, and the first line of it."""

    count: int
    what: str
    line: int | None = None


def of_rows(profile: Profile) -> list[Problem]:
    """Rows that could not be split into cells."""
    counts = Counter(broken.reason for broken in profile.broken)
    firsts = {broken.reason: broken.line for broken in reversed(profile.broken)}
    return [Problem(count, reason, firsts[reason]) for reason, count in counts.items()]


def of_cells(profile: Profile, draft: Draft) -> list[Problem]:
    """What cells and columns tell, before any row is translated."""
    found = [Problem(0, note) for note in draft.notes]
    empty = [column.name for column in profile.columns if column.kind == EMPTY]
    if empty:
        found.append(Problem(0, f"columns without any cell: {', '.join(map(repr, empty))}"))
    for target in _IDS:
        header = draft.target(target)
        if header is not None:
            found += _of_ids(profile.named(header), target)
    return found


def _of_ids(column: Column, target: str) -> list[Problem]:
    """Ids that are nobody's, doubtful or wrecked, of those that stand for many rows or in the examples."""
    counts = column.counts
    nobody = {cell: count for cell, count in counts if _is_nobody(cell)}
    doubtful = {cell: count for cell, count in counts if cell not in nobody and ids.is_doubtful(cell)}
    wrecked = sum(count for cell, count in counts if _is_wrecked(cell))
    found = [Problem(count, f"{target}: {cell!r} is no id") for cell, count in nobody.items()]
    found += [Problem(count, f"{target}: {cell!r} looks like nobody's id") for cell, count in doubtful.items()]
    return found + ([Problem(wrecked, f"{target}: {_WRECKED}")] if wrecked else [])


def _is_nobody(cell: str) -> bool:
    try:
        return ids.cleaned(cell) is None
    except Unreadable:
        return True


def _is_wrecked(cell: str) -> bool:
    head, sign, tail = cell.upper().partition("E+")
    return bool(sign) and head.replace(".", "").replace(",", "").isdigit() and tail.isdigit()
