"""The numbers of a world."""

import ast
import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from etappe import simulation
from etappe.errors import InputError
from etappe.simulation import parameters
from etappe.simulation.goods.assortment import assortment
from etappe.simulation.goods.pieces import pieces
from etappe.simulation.parameters import STAGES, Parameters

PATHS = {category.path for category in assortment().categories}
NAMED_BY_STAGE = ("same_category", "store", "hesitates", "store_sale")


@pytest.fixture(params=parameters.versions())
def world(request: pytest.FixtureRequest) -> Parameters:
    """The parameters of each version."""
    return parameters.load(request.param)


def test_the_default_is_a_version() -> None:
    """Versions are counted from 1 without gaps, and the default is one of them."""
    assert parameters.versions() == tuple(range(1, len(parameters.versions()) + 1))
    assert parameters.VERSION in parameters.versions()


def test_an_unknown_world_is_refused() -> None:
    """The refusal names the field, the value, and the worlds there are."""
    with pytest.raises(InputError, match=r"world is 99; there are 1") as refusal:
        parameters.load(99)
    assert refusal.value.field == "world"


def test_a_misspelt_parameter_is_refused() -> None:
    """A field that no table has is an error, not ignored."""
    said = tomllib.loads(parameters.source(1))
    said["mishaps"]["lost_device"] = 0.1
    with pytest.raises(msgspec.ValidationError, match="lost_device"):
        msgspec.convert(said, Parameters)


def test_every_parameter_is_read() -> None:
    """No number stands in a world that changes nothing: each field is used somewhere in the package."""
    files = Path(simulation.__file__).parent.rglob("*.py")
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    used = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    tables = [
        kind
        for kind in vars(parameters).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__struct_fields__
    ]
    assert {field for table in tables for field in table.__struct_fields__} - used == set()


def test_shares_are_distributions(world: Parameters) -> None:
    """Personas, first stages, countries, households, parts of a taste, and where people go otherwise sum to 1."""
    people = world.people
    assert sum(one.share for one in world.personas) == pytest.approx(1)
    assert world.by_stage("at_first").sum() == pytest.approx(1)
    assert sum(share for _, _, share in people.countries) == pytest.approx(1)
    assert sum(people.household_sizes) == pytest.approx(1)
    assert people.taste_main + people.taste_second + people.taste_everybody == pytest.approx(1)
    assert world.otherwise().sum(axis=1) == pytest.approx(np.ones(5))


def test_stages_are_the_five_in_their_order(world: Parameters) -> None:
    """Each stage leads to the next one, loyalty to itself; tables by stage name all five."""
    assert tuple(stage.name for stage in world.stages) == STAGES
    assert world.onward().tolist() == [1, 2, 3, 4, 4]
    for field in NAMED_BY_STAGE:
        assert set(getattr(world.visits, field)) == set(STAGES)
    assert set(world.reorders.by_stage) == set(STAGES)


def test_what_is_wanted_is_sold(world: Parameters) -> None:
    """Tastes and seasons name categories of the assortment, kinds of pieces are all there."""
    named = [*(one.tastes for one in (*world.personas, *world.life_events)), world.seasons]
    assert {path for table in named for path in table} <= PATHS
    assert {piece.kind for piece in pieces()} == set(world.pieces.kinds)


def test_tastes_of_personas_overlap(world: Parameters) -> None:
    """Every persona shares a category with another one, and every category is wanted by one."""
    wants = [set(persona.tastes) for persona in world.personas]
    assert all(any(one & other for other in wants if other is not one) for one in wants)
    assert set().union(*wants) == PATHS


def test_some_touchpoint_changes_nothing(world: Parameters) -> None:
    """A touchpoint without any effect is there to be found out, and one that meets those who would move on anyway."""
    assert [one.name for one in world.touchpoints if not any(one.effect)] == ["display-season"]
    assert {"brand-search", "retargeting"} <= {one.name for one in world.touchpoints if one.follows > 0}
