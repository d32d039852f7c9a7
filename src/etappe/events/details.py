"""What the properties of an event must be where Etappe reads them: rules by the event's name.

Whatever else stands in `properties` is the sender's own.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from etappe.errors import InputError
from etappe.events import identities, touch
from etappe.events.vocabulary import NAME_OF, Event

STATES: Final = ("open", "pending", "resolved", "closed")
"""How a matter with service stands: the first two are unsettled, the others settled."""
RATINGS: Final = (1, 5)
_TEXT: Final = 256
_ANSWER: Final = 4096

Properties = Mapping[str, Any]


def check(event: Event) -> None:
    """Whether the event's properties are what its name promises.

    Raises:
        InputError: one is missing or is no such value; names it and says what it may be.
    """
    rule = RULES.get(NAME_OF[type(event)])
    if rule is not None:
        rule(event.properties or {})


def _rating(said: Properties) -> None:
    low, high = RATINGS
    rating = said.get("rating")
    if isinstance(rating, bool) or not isinstance(rating, int | float) or not low <= rating <= high:
        raise InputError(f"properties.rating is {rating!r}; a rating is {low} to {high}", field="properties.rating")


def _matter(said: Properties) -> None:
    """A matter with service: about what, and how it stands."""
    topic, state = said.get("topic"), said.get("state")
    if topic is not None and not _is_text(topic, _TEXT):
        raise InputError(f"properties.topic is text of 1 to {_TEXT} characters", field="properties.topic")
    if state is not None and state not in STATES:
        raise InputError(f"properties.state is {state!r}; there are {', '.join(STATES)}", field="properties.state")


def _answer(said: Properties) -> None:
    """An answer is text, a number, yes or no, or a list of texts where several may be chosen."""
    question, answer = said.get("question"), said.get("answer")
    if question is not None and not _is_text(question, _TEXT):
        raise InputError(
            f"properties.question names what was asked, in 1 to {_TEXT} characters", field="properties.question"
        )
    several = isinstance(answer, list) and bool(answer) and all(_is_text(one, _ANSWER) for one in answer)
    if not (several or answer is None or _is_text(answer, _ANSWER) or isinstance(answer, bool | int | float)):
        raise InputError(
            f"properties.answer is text of 1 to {_ANSWER:,} characters, a number, true or false, or a list of texts",
            field="properties.answer",
        )


def _groups(said: Properties) -> None:
    """Groups that a customer belongs to are named by an id each."""
    for name in identities.GROUPS:
        value = said.get(name)
        if value is not None and not _is_text(value, _TEXT):
            raise InputError(
                f"properties.{name} is the id of a {name.replace('_', ' ')}: text of 1 to {_TEXT} characters,"
                " or null where there is none any more",
                field=f"properties.{name}",
            )


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= longest


RULES: Final[Mapping[str, Callable[[Properties], None]]] = {
    "rate": _rating,
    "page_view": touch.check,
    "survey": _answer,
    "service_contact": _matter,
    "complaint": _matter,
    "set_traits": _groups,
    "identify": _groups,
}
"""Events whose properties are looked at."""
