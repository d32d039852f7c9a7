"""The pieces of content that a placement is filled with."""

from typing import Any

from etappe.serving.moment import Moment
from etappe.serving.request import Placement
from etappe.serving.situation import Situation


def choose(here: Situation, placement: Placement, moment: Moment) -> list[Any]:  # noqa: ARG001 - what a draw needs
    """The pieces for `placement`, drawn by the seed of `moment`; none, as no content can be put in yet."""
    return []
