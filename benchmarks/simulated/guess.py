"""How well the true stage can be told from the last event alone, and from what happened in the last days and months."""

from typing import Final

import msgspec
import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score
from threadpoolctl import threadpool_limits

from benchmarks.simulated import tables
from benchmarks.simulated.sample import SENT, Sample
from etappe.simulation.clock import DAY, HOUR
from etappe.simulation.tables import Flags, Floats, Ints

WINDOWS: Final = (2, 7, 30, 150)
"""Days."""
_MOMENTS: Final = 6
"""For each customer, on average."""
_SAYS: Final = ("event", "channel", "campaign", "kind", "topic", "satisfied", "category")
_SAID: Final = ("campaign", "piece", "topic", "satisfied", "position", "rating", "user_agent")
_NUMBERS: Final = ("position", "rating", "fetched", "known", "quantity", "price", "hour", "age")
LAST, OVER_TIME = "the last event", "counts and recency"


class Asked(msgspec.Struct, frozen=True, eq=False):
    """One row a moment at which the stage is asked for."""

    person: Ints
    time: Ints
    """Microseconds since 1970."""
    stage: Ints
    """The true one then."""
    last: Ints
    """Row of the last event until then."""


class Score(msgspec.Struct, frozen=True):
    """Macro-F1 over the customers that were not trained on, and of naming the commonest stage always."""

    plain: float
    balanced: float
    majority: float


class History:
    """The events of customers, by person and time, without what the shop itself sent them."""

    def __init__(self, sample: Sample) -> None:
        rows = sample.events.filter(pl.col("event") != SENT)
        rows = rows.filter(pl.Series(sample.members).gather(rows["person"])).sort("person", "at")
        self.rows = rows.with_columns(pl.col("stage").to_physical().alias("true"), time=pl.col("at").dt.epoch("us"))
        self._start = sample.shop.story.world.clock.start
        self._span = (sample.size.days + 1) * DAY
        self.person = self.rows["person"].to_numpy().astype(np.int64)
        self.key = self.person * self._span + self.rows["time"].to_numpy() - self._start
        self.types = self.rows["event"].unique().sort()

    def keys(self, person: Ints, time: Ints) -> Ints:
        """int64[n]: where a moment of a person stands among the keys; times before the story are its beginning."""
        return person * self._span + np.maximum(time - self._start, 0)


def scores(sample: Sample, seed: int) -> dict[tuple[str, str], Score]:
    """The score of each reading at each kind of moment."""
    history, chance = History(sample), np.random.default_rng(seed)
    learns = chance.random(len(sample.members)) < 0.5
    found = {}
    for when, asked in (("any time", _any_time(sample, history, chance)), ("the event", _at_event(history, chance))):
        ours = learns[asked.person]
        found[LAST, when] = _score(_last(sample, history, asked), len(_SAYS), asked.stage, ours)
        found[OVER_TIME, when] = _score(_windows(history, asked), 0, asked.stage, ours)
    return found


def show(found: dict[tuple[str, str], Score]) -> None:
    """Prints the scores."""
    whens = list(dict.fromkeys(when for _, when in found))
    rows: list[list[object]] = [
        [f"{reading}, {weight}", *(float(getattr(found[reading, when], weight)) for when in whens)]
        for reading in (LAST, OVER_TIME)
        for weight in ("plain", "balanced")
    ]
    rows.append(["the commonest stage", *(found[LAST, when].majority for when in whens)])
    tables.show("Macro-F1 of the true stage told from", ["", *(f"at {when}" for when in whens)], rows)


def _any_time(sample: Sample, history: History, chance: np.random.Generator) -> Asked:
    """Times at which customers know the shop and have done something before."""
    clock, people = sample.shop.story.world.clock, sample.shop.story.world.people
    person = np.repeat(np.flatnonzero(sample.members), _MOMENTS)
    since = np.maximum(people.since[person], 0.0)
    day = since + chance.random(len(person)) * (clock.days - since)
    time = clock.moment(day)
    last = np.searchsorted(history.key, history.keys(person, time), side="right") - 1
    there = (last >= 0) & (history.person[np.maximum(last, 0)] == person)
    stage = sample.shop.oracle.stage_at(person, day)
    return Asked(person[there], time[there], stage[there].astype(np.int64), last[there])


def _at_event(history: History, chance: np.random.Generator) -> Asked:
    """The moments of events, any of them with the same chance."""
    count = min(len(history.rows), _MOMENTS * len(np.unique(history.person)))
    rows = np.sort(chance.choice(len(history.rows), count, replace=False))
    time, stage = (history.rows[name].gather(rows).to_numpy().astype(np.int64) for name in ("time", "true"))
    return Asked(history.person[rows], time, stage, rows)


def _last(sample: Sample, history: History, asked: Asked) -> Floats:
    """float64[n, columns]: what the last event says, words first, as their ranks."""
    kinds = {str(piece["id"]): str(piece["kind"]) for piece in sample.shop.content}
    rows = history.rows[asked.last].join(sample.category(), on="item_id", how="left", maintain_order="left")
    said = {name: pl.col("properties").str.json_path_match(f"$.{name}") for name in _SAID}
    rows = rows.with_columns(**said).with_columns(
        kind=pl.col("piece").replace_strict(kinds, default=None, return_dtype=pl.String),
        position=pl.col("position").cast(pl.Float64),
        rating=pl.col("rating").cast(pl.Float64),
        fetched=pl.col("user_agent").is_not_null(),
        known=pl.col("user_id").is_not_null(),
        hour=pl.col("at").dt.hour(),
        age=pl.Series((asked.time - history.rows["time"].gather(asked.last).to_numpy()) / HOUR),
    )
    return rows.select(pl.col(_SAYS).rank("dense"), *_NUMBERS).cast(pl.Float64).to_numpy()


def _windows(history: History, asked: Asked) -> Floats:
    """float64[n, types * 5]: for each type, how many events in each window, and days since the last one (else nan)."""
    columns, kind = [], history.rows["event"]
    until = history.keys(asked.person, asked.time)
    first = history.keys(asked.person, np.zeros_like(asked.time))
    for one in history.types:
        keys = history.key[(kind == one).to_numpy()]
        end = np.searchsorted(keys, until, side="right")
        begins = (history.keys(asked.person, asked.time - days * DAY) for days in WINDOWS)
        columns += [(end - np.searchsorted(keys, begin, side="right")).astype(np.float64) for begin in begins]
        there = end > np.searchsorted(keys, first)
        columns.append(np.where(there, (until - keys[np.maximum(end - 1, 0)]) / DAY, np.nan))
    return np.stack(columns, axis=1)


def _score(columns: Floats, words: int, stage: Ints, learns: Flags) -> Score:
    """Trains on whom `learns` says and tests on the others; the first `words` columns are categories."""
    told = np.flatnonzero((~np.isnan(columns[learns])).any(axis=0))
    columns, categories = columns[:, told], told < words
    tests = ~learns
    commonest = np.full(int(tests.sum()), np.bincount(stage[learns]).argmax())
    both = []
    for weight in (None, "balanced"):
        model = HistGradientBoostingClassifier(categorical_features=categories, class_weight=weight, random_state=0)
        with threadpool_limits(1):  # on a shared machine more threads wait for each other most of the time
            model.fit(columns[learns], stage[learns])
        both.append(_macro(stage[tests], model.predict(columns[tests])))
    return Score(both[0], both[1], _macro(stage[tests], commonest))


def _macro(stage: Ints, told: Ints) -> float:
    return float(f1_score(stage, told, average="macro"))
