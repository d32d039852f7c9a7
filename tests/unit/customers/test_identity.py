"""The rules of the identity graph, each on its own, and what holds of any sequence of claims and partings."""

from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.customers.people import People, claim, parts_of, subject

from etappe.customers import identity as module
from etappe.customers.identity import ERASE, LINK, NAME, SHARE, UNLINK, Change, Graph, root_of
from etappe.events.identities import Identity

ANNA: Final = Identity("user_id", "anna")
BERT: Final = Identity("user_id", "bert")
BROWSER: Final = Identity("anonymous_id", "browser")
PHONE: Final = Identity("anonymous_id", "phone")
TABLET: Final = Identity("device", "tablet")
MAIL: Final = Identity("email_sha256", "0" * 64)
CARD: Final = Identity("loyalty_card", "4711")
CRM: Final = Identity("external:crm", "7")
SEVERAL: Final = [ANNA, BERT, BROWSER, PHONE, TABLET, MAIL, CARD, CRM]
NOW: Final = 1_700_000_000_000

_pairs = st.lists(st.sampled_from(SEVERAL), min_size=2, max_size=2, unique=True)
_moves = st.lists(
    st.tuples(st.sampled_from(["claim", "claim", "claim", "alias", "part"]), _pairs), min_size=1, max_size=25
)


def _graph(*pairs: tuple[Identity, Identity]) -> Graph:
    graph = Graph()
    for one, other in pairs:
        graph.claim(claim(one, other), NOW)
    return graph


def _together(graph: Graph, *whom: Identity) -> bool:
    return frozenset(whom) in parts_of(graph)


def _move(graph: Graph, move: str, one: Identity, other: Identity, now: int) -> None:
    if move != "part":
        graph.claim(claim(one, other, f"e{now}", explicit=move == "alias"), now)
    elif subject(one) in graph.nodes:
        graph.part(subject(one), subject(other), f"e{now}")


def _edges(graph: Graph) -> dict[Any, Any]:
    """Nodes with their edges in no order."""
    return {
        one: msgspec.structs.replace(node, edges=frozenset(node.edges), apart=frozenset(node.apart))  # type: ignore[arg-type]
        for one, node in graph.nodes.items()
    }


def test_claim_joins() -> None:
    """What was named together is one customer, with the event and the time for a cause."""
    graph = _graph((ANNA, BROWSER), (BROWSER, MAIL))
    assert _together(graph, ANNA, BROWSER, MAIL)
    (edge,) = graph.nodes[subject(MAIL)].edges
    assert (edge.other, edge.cause, edge.since) == (subject(BROWSER), "e", NOW)
    assert [change.action for change in graph.changes] == [NAME, NAME, LINK, NAME, LINK]


def test_known_claim_changes_nothing() -> None:
    """A claim about those who are one customer already, directly or not, is no change and makes no edge."""
    graph = _graph((ANNA, BROWSER), (BROWSER, MAIL))
    graph.changes.clear()
    assert not graph.claim(claim(MAIL, ANNA), NOW)
    assert graph.changes == []
    assert sum(len(node.edges) for node in graph.nodes.values()) == 4


def test_surest_identity_is_the_root() -> None:
    """A customer is kept under the surest identity: account, card, address, browser, device, then what others gave."""
    order = [ANNA, CARD, MAIL, BROWSER, TABLET, CRM]
    for place in range(len(order) - 1):
        graph = _graph(*[(one, order[-1]) for one in order[place:-1]])
        assert {subject(order[place])} == set(graph.roots().values())


def test_root_among_equals_is_the_smallest_subject() -> None:
    """Of several identities of one kind the smallest subject is the root, whoever came first."""
    smaller, larger = sorted([BROWSER, PHONE], key=subject)
    for pair in ((smaller, larger), (larger, smaller)):
        assert root_of(_graph(pair).nodes) == subject(smaller)


def test_two_accounts_stay_two() -> None:
    """Rule 1: no claim joins two accounts, over whatever they have in common."""
    for common in (BROWSER, TABLET, MAIL, CARD, CRM):
        graph = _graph((ANNA, common), (BERT, common))
        assert graph.roots()[subject(ANNA)] != graph.roots()[subject(BERT)]
    assert not _together(_graph((ANNA, BERT)), ANNA, BERT)


def test_alias_joins_two_accounts() -> None:
    """Rule 1: said on purpose, two accounts are one customer with all that belongs to them."""
    graph = _graph((ANNA, BROWSER), (BERT, PHONE))
    assert graph.claim(claim(ANNA, BERT, explicit=True), NOW)
    assert _together(graph, ANNA, BERT, BROWSER, PHONE)


@pytest.mark.parametrize("common", [BROWSER, TABLET])
def test_second_account_makes_it_shared(common: Identity) -> None:
    """Rule 2: a browser or device of two accounts is nobody's from then on, and no claim nor alias links it again."""
    graph = _graph((ANNA, common), (BERT, common))
    assert parts_of(graph) == {frozenset({ANNA}), frozenset({BERT}), frozenset({common})}
    assert graph.nodes[subject(common)].shared
    for one in (ANNA, BERT, MAIL):
        graph.claim(claim(one, common, explicit=True), NOW)
    assert _together(graph, common)
    assert [change.action for change in graph.changes].count(SHARE) == 1


def test_sharing_cuts_all_edges() -> None:
    """Rule 2: what hung on a shared browser hangs on it no longer; each falls back to what it was without it."""
    graph = _graph((ANNA, BROWSER), (BROWSER, MAIL), (BROWSER, TABLET), (MAIL, CARD), (BERT, BROWSER))
    assert parts_of(graph) == {frozenset(part) for part in ([ANNA], [BERT], [BROWSER], [TABLET], [MAIL, CARD])}


def test_weaker_end_is_shared() -> None:
    """Rule 2: where a browser and a device are named together, of two accounts, the device is what they share."""
    graph = _graph((ANNA, BROWSER), (BERT, TABLET), (BROWSER, TABLET))
    assert graph.nodes[subject(TABLET)].shared
    assert not graph.nodes[subject(BROWSER)].shared
    assert _together(graph, ANNA, BROWSER)


@pytest.mark.parametrize("common", [MAIL, CARD, CRM])
def test_first_account_keeps_the_rest(common: Identity) -> None:
    """Rule 2: an address, card or other id stays with the account that had it first."""
    graph = _graph((ANNA, common), (BERT, common))
    assert _together(graph, ANNA, common)
    assert not graph.nodes[subject(common)].shared


def test_parted_stay_apart() -> None:
    """Rule 3: what was taken apart is not joined again by a claim, neither directly nor over others, but by an alias."""
    graph = _graph((ANNA, MAIL), (MAIL, BROWSER))
    assert graph.part(subject(ANNA), subject(MAIL), "by hand")
    assert parts_of(graph) == {frozenset({ANNA}), frozenset({MAIL, BROWSER})}
    assert not graph.claim(claim(ANNA, MAIL), NOW)
    assert not graph.claim(claim(ANNA, BROWSER), NOW)
    assert graph.claim(claim(PHONE, ANNA), NOW)
    assert not graph.claim(claim(PHONE, BROWSER), NOW)
    assert graph.claim(claim(ANNA, MAIL, explicit=True), NOW)
    assert _together(graph, ANNA, MAIL, BROWSER, PHONE)


def test_alias_ends_being_apart() -> None:
    """Rule 3: joined by an alias and cut off by sharing, the two may be joined by a claim once more."""
    graph = _graph((ANNA, BROWSER))
    graph.part(subject(ANNA), subject(BROWSER), "by hand")
    graph.claim(claim(ANNA, BROWSER, explicit=True), NOW)
    assert all(node.apart == () for node in graph.nodes.values())


def test_part_of_strangers() -> None:
    """Who is no part of a customer cannot be taken out, nor a customer out of itself."""
    graph = _graph((ANNA, BROWSER), (BERT, PHONE))
    graph.changes.clear()
    assert not graph.part(subject(ANNA), subject(PHONE), "by hand")
    assert not graph.part(subject(ANNA), subject(ANNA), "by hand")
    assert graph.changes == []


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 4: a claim that would make a customer of more than MAX_IDENTITIES is refused, one up to it is not."""
    monkeypatch.setattr(module, "MAX_IDENTITIES", 4)
    names = [Identity("anonymous_id", str(number)) for number in range(6)]
    graph = _graph((names[0], names[1]), (names[1], names[2]), (names[3], names[4]))
    graph.claim(claim(names[0], names[3], explicit=True), NOW)
    assert not _together(graph, *names[:5])
    graph.claim(claim(names[0], names[5]), NOW)
    assert _together(graph, *names[:3], names[5])


def test_bound_is_what_a_customer_may_have() -> None:
    """A customer takes 500 identities and not one more."""
    graph = _graph(*[(ANNA, Identity("anonymous_id", str(number))) for number in range(600)])
    assert len(graph.group(subject(ANNA))) == module.MAX_IDENTITIES == 500


def test_forgotten_are_gone() -> None:
    """Forgotten subjects leave neither nodes nor edges, nor what they were taken apart from; the others stay."""
    graph = _graph((ANNA, BROWSER), (BROWSER, MAIL))
    graph.forget([subject(BROWSER)])
    assert parts_of(graph) == {frozenset({ANNA}), frozenset({MAIL})}
    assert all(node.edges == () for node in graph.nodes.values())


def test_tombstones_name_nobody() -> None:
    """A row of an erasure, and a row about somebody unknown, changes nothing when the journal is replayed."""
    graph = _graph((ANNA, BROWSER))
    before = dict(graph.nodes)
    graph.apply(Change(ERASE, subject(BERT)), NOW)
    graph.apply(Change(LINK, subject(BERT), subject(ANNA)), NOW)
    graph.apply(Change(LINK, subject(ANNA), subject(BERT)), NOW)
    assert before == graph.nodes


@given(_moves)
def test_any_sequence_follows_the_rules(moves: list[tuple[str, list[Identity]]]) -> None:
    """After any claims, aliases and partings the customers are those of a naive reading of the rules."""
    graph, people = Graph(), People()
    for now, (move, (one, other)) in enumerate(moves):
        _move(graph, move, one, other, now)
        if move == "part":
            people.part(one, other)
        else:
            people.claim(one, other, explicit=move == "alias")
    assert people.groups() == parts_of(graph)
    assert {subject(one) for one in people.shared} == {one for one, node in graph.nodes.items() if node.shared}
    roots = graph.roots()
    assert all(people.root(one) == roots[subject(one)] for one in people.known)


@given(_moves)
def test_journal_tells_the_graph(moves: list[tuple[str, list[Identity]]]) -> None:
    """Replayed from the journal the graph is the same, edges, causes, times and what is kept apart included."""
    graph, again = Graph(), Graph()
    for now, (move, (one, other)) in enumerate(moves):
        _move(graph, move, one, other, now)
        for change in graph.changes:
            again.apply(change, now)
        graph.changes.clear()
    assert _edges(graph) == _edges(again)


@given(_moves)
def test_every_part_is_a_tree(moves: list[tuple[str, list[Identity]]]) -> None:
    """Each customer of n identities has n - 1 edges, each kept at both ends."""
    graph = Graph()
    for now, (move, (one, other)) in enumerate(moves):
        _move(graph, move, one, other, now)
        for member in graph.nodes:
            group = graph.group(member)
            assert sum(len(node.edges) for node in group.values()) == 2 * (len(group) - 1)
            assert all(
                any(back.other == end for back in graph.nodes[edge.other].edges)
                for end, node in group.items()
                for edge in node.edges
            )


@given(_moves, _pairs)
def test_part_undoes_the_claim(moves: list[tuple[str, list[Identity]]], pair: list[Identity]) -> None:
    """Taking out what a claim has joined gives exactly the customers that there were before it."""
    graph = Graph()
    for now, (move, (one, other)) in enumerate(moves):
        _move(graph, move, one, other, now)
    for one in pair:
        graph._name(subject(one), one)
    before = parts_of(graph)
    graph.changes.clear()
    graph.claim(claim(*pair), NOW)
    if LINK in [change.action for change in graph.changes]:
        assert parts_of(graph) != before
        assert graph.part(*map(subject, pair), "by hand")  # type: ignore[arg-type]
        assert [change.action for change in graph.changes].count(UNLINK) == 1
    elif SHARE not in [change.action for change in graph.changes]:
        assert graph.changes == []
    else:
        return
    assert before == parts_of(graph)


@given(st.lists(_pairs, min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_merges_are_undone_in_any_order(pairs: list[list[Identity]], random: Any) -> None:
    """Of several merges any may be undone, in any order: what is left are the parts that the other edges make."""
    graph, people = Graph(), People()
    for one, other in pairs:
        graph.claim(claim(one, other, explicit=True), NOW)
        people.claim(one, other, explicit=True)
    while people.edges:
        one, other = random.choice(people.edges)
        people.edges.remove((one, other))
        assert graph.part(subject(one), subject(other), "by hand")
        assert people.groups() == parts_of(graph)


@given(st.lists(_pairs, min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_claims_commute(pairs: list[list[Identity]], random: Any) -> None:
    """Where no two accounts are involved the order in which claims come does not matter."""
    mine = [(one, other) for one, other in pairs if BERT not in (one, other)]
    mixed = random.sample(mine, len(mine))
    assert parts_of(_graph(*mine)) == parts_of(_graph(*mixed))
    assert _graph(*mine).roots() == _graph(*mixed).roots()
