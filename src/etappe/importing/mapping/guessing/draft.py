"""A mapping in the making, with what is said of each line, and as the text that a person reads and mends."""

from typing import Final

import msgspec

_ALIGNED: Final = 44


class Line(msgspec.Struct):
    """A value and the comment beside it."""

    value: str | list[str]
    comment: str = ""


class Draft(msgspec.Struct, kw_only=True):
    """What was guessed of a file. `decisions`: what a person has to say; `notes`: what they should know."""

    kind: str
    file: dict[str, Line] = {}
    columns: dict[str, Line] = {}
    constants: dict[str, Line] = {}
    values: dict[str, dict[str, Line]] = {}
    types: dict[str, Line] = {}
    repeat: dict[str, str | list[str]] = {}
    events: list[dict[str, object]] = []
    decisions: list[str] = []
    notes: list[str] = []

    def target(self, name: str) -> str | None:
        """The header that becomes `name`."""
        return next((header for header, line in self.columns.items() if name in _all(line.value)), None)


def _all(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def text_of(draft: Draft, file: str, command: str) -> str:
    """The mapping as TOML: each line with what was seen."""
    parts = [
        f"# What the columns of {file} are. Taken by: {command} {file} --map THIS_FILE",
        '# Left: what the file says. Right: what it becomes; "" leaves it out, "?" is for you to decide.',
        *(f"# TO DECIDE: {decision}" for decision in draft.decisions),
    ]
    parts += _table("file", draft.file, quoted=False)
    parts += _table("columns", draft.columns)
    parts += _table("constants", draft.constants, about="the same in every row")
    for target, values in draft.values.items():
        parts += _table(
            f"values.{_key(target)}", values, about=f'what cells become {target}; "*" = ... is for all others'
        )
    parts += _table("types", draft.types, about="text, number, yes_no or date; text where nothing is said")
    if draft.repeat:
        parts += ["", "[repeat]  # cells that are empty take what stands above, in lines with the same `by`"]
        parts += [f"{name} = {_inline(value)}" for name, value in draft.repeat.items()]
    for rule in draft.events:
        parts += ["", "[[events]]", *(f"{name} = {_inline(value)}" for name, value in rule.items())]
    return "\n".join(parts) + "\n"


def _table(name: str, lines: dict[str, Line], *, quoted: bool = True, about: str = "") -> list[str]:
    if not lines:
        return []
    rows = []
    for key, line in lines.items():
        left = f"{_text(key) if quoted else key} = {_inline(line.value)}"
        rows.append(f"{left:<{_ALIGNED}}  # {_plain(line.comment)}" if line.comment else left)
    return ["", f"[{name}]" + (f"  # {about}" if about else ""), *rows]


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)} = {_inline(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(one) for one in value) + "]"
    return _text(str(value))


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else _text(name)


def _text(text: str) -> str:
    """A basic string of TOML, which JSON's is but for what is above U+FFFF and DEL."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


def _plain(comment: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in comment)
