"""A state that only forbids: a stranger's list without what the customer must not be shown."""

from tests.unit.serving.planted import ask, shown, state

from etappe.customers.forbidding import only_forbidding
from etappe.serving.viewing.view import View


def test_list_is_a_stranger_s_without_what_is_forbidden(view: View) -> None:
    """What was ignored or just bought is left out; what was looked at, wished for or bought draws nothing in."""
    done = [
        ("ignore", "coffee-0", 1.0),
        ("purchase", "tea-0", 2.0),
        ("view_item", "garden-3", 0.001),
        ("add_to_wishlist", "garden-4", 0.5),
        ("gift", "garden-0", 3.0),
    ]
    whole = state(done)
    request = {"placements": [{"name": "p", "limit": 50}]}
    stranger = shown(ask(view, **request))
    assert {"coffee-0", "tea-0"} <= set(stranger)
    held_back = ask(view, only_forbidding(whole), **request)
    assert shown(held_back) == [item for item in stranger if item not in ("coffee-0", "tea-0")]
    assert shown(held_back) != shown(ask(view, whole, **request))


def test_nobody_is_known_by_it(view: View) -> None:
    """The answer says of nobody that they are known, and the state is as it was."""
    whole = state([("ignore", "coffee-0", 1.0)])
    decision = ask(view, only_forbidding(whole))
    assert decision.answer.customer.known is False
    assert decision.decision.state_digest == ""
    assert whole.known
