"""The parameters of what is told of a shop: what its record has, how careful its people are, what goes wrong in it."""

from etappe.simulation.parameters.sections import ByStage, Chance, Positive, Section


class ToldParameters(Section, frozen=True):
    """What of all that the shop gets to know."""

    stays_logged_in: Chance
    logs_in: Chance
    guest_checkout: Chance
    new_cookie: Chance
    ignores: Chance
    rates: Chance
    refunds: Chance
    shares: Chance
    gift: Chance
    traits: Chance


class Care(Section, frozen=True):
    """What the shop's other systems do and ask."""

    delivery_days: Positive
    late: Chance
    late_days: Positive
    complains: Chance
    complains_late: Chance
    complaint_days: Positive
    answers: Chance
    answer_days: Positive
    recommends: ByStage
    late_costs: float
    complaint_costs: float
    spread: Positive
    messages: Positive
    opens: ByStage
    follows: Chance
    read_days: Positive


class Mishaps(Section, frozen=True):
    """What goes wrong on the way, and who else is about."""

    duplicates: Chance
    late: Chance
    late_hours: Positive
    wrong_clocks: Chance
    clock_hours: Positive
    lost_devices: Chance
    denied: Chance
    withdrawn: Chance
    crawlers: Chance
    staff: Chance
