"""What a column decides that one of its values leaves open: learned as it is read, and read again if wrong."""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Generic, TypeVar

from etappe.values import money, times
from etappe.values.money import Mark
from etappe.values.times import Order

Rule = TypeVar("Rule", bound=StrEnum)


class Column(Generic[Rule]):
    """A column's amounts or dates: how many of its texts told of which rule, and by which the open ones were read.

    `stated` decides whatever is told. `usual` is the rule where nothing is told.
    """

    def __init__(
        self,
        told_by: Callable[[str], Rule | None],
        both: Callable[[bool, bool], Rule],
        rules: tuple[Rule, Rule],
        *,
        stated: Rule | None = None,
        usual: Callable[[], Rule] | None = None,
    ) -> None:
        self.told: Counter[Rule] = Counter()
        self.open = 0
        """Texts that ask for the rule."""
        self.example = ""
        """One of them."""
        self.stated = stated
        self._told_by, self._both, self._rules, self._usual = told_by, both, rules, usual
        self._kept: Rule | None = None
        self._was_told = False
        self._read_by: set[Rule] = set()

    def learn(self, texts: Iterable[str]) -> None:
        """Takes note of what further texts tell, before they are read by `rule`."""
        asked = False
        for text in texts:
            told = self._told_by(text)
            if told is not None and told in self._rules:
                self.told[told] += 1
            elif told is not None:
                self.open, self.example, asked = self.open + 1, text, True
        if asked:
            self._read_by.add(self.rule)

    @property
    def is_told(self) -> bool:
        """Whether the rule is what the column tells, and neither stated nor the usual one."""
        return self.stated is None and (self._was_told or any(self.told[rule] for rule in self._rules))

    @property
    def rule(self) -> Rule:
        """By which rule its open texts are read, as far as it is known."""
        kept = self.stated or self._kept
        if kept is not None:
            return kept
        found = self._both(self.told[self._rules[0]] > 0, self.told[self._rules[1]] > 0)
        return found if self.is_told or self._usual is None else self._usual()

    @property
    def is_to_be_read_again(self) -> bool:
        """Whether open texts were read by another rule than the whole column has told by now."""
        return bool(self._read_by) and self._read_by != {self.rule}

    def again(self) -> None:
        """Keeps the rule of the whole column, and forgets the rest, which comes again."""
        self._kept, self._was_told, self.open = self.rule, self.is_told, 0
        self.told.clear()
        self._read_by.clear()


def _point() -> Mark:
    return Mark.POINT


def amounts(stated: Mark | None = None, usual: Callable[[], Mark] = _point) -> Column[Mark]:
    """A column of amounts."""
    return Column(money.told_by, money.both, (Mark.POINT, Mark.COMMA), stated=stated, usual=usual)


def dates(stated: Order | None = None) -> Column[Order]:
    """A column of dates."""
    return Column(times.told_by, times.both, (Order.DMY, Order.MDY), stated=stated)
