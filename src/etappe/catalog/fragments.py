"""Items as answers show them: JSON that is the same in every decision, made once and not at each request."""

from typing import NamedTuple


class Fragment(NamedTuple):
    """What an answer holds of an item. `head` and `rest` are JSON of members, to be put around those of the decision.

    `head` is `"id":"85123A","title":"White heart"`; `rest` is `,"price":2.55,"currency":"GBP"` and so on, empty where
    the item tells no more. `title` is that in the asked language and `quoted` the id, both as JSON has them, the title
    without its quotes: sentences name it.
    """

    head: bytes
    rest: bytes
    title: bytes
    quoted: bytes
    id: str
