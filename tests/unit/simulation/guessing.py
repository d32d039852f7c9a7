"""Telling the true stage from what the shop is told: from the last event alone, and from the customer's history."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score
from threadpoolctl import threadpool_limits

from etappe.simulation import Shop

MOMENTS: Final = 4
"""Moments asked about for each customer."""
WINDOWS: Final = (2, 7, 30, 120)
"""Days."""
WORDS: Final = ("event", "channel", "source", "campaign", "piece", "topic", "placement", "satisfied", "category")
_NUMBERS: Final = ("known", "quantity", "price", "position", "rating", "fetched", "hour", "age")
_SAID: Final = ("source", "campaign", "piece", "topic", "placement", "satisfied", "position", "rating", "user_agent")
_SENT: Final = "other"
"""The mails the shop itself sends: no event of the customer's."""

Asked = pl.DataFrame
"""One row a moment: `person`, `asked` (when) and the true `now` (the number of the stage)."""


class Customers:
    """What the customers of a shop did, and which of them are learned from: every other one."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        truth = shop.truth.events.select("event_id", "person", "stage", "at")
        did = shop.events.unique("event_id").filter(pl.col("event") != _SENT).join(truth, on="event_id")
        members = shop.truth.people.drop_nulls("user_id").select("person")
        self.did = did.join(members, on="person", how="semi").sort("person", "at")
        self.members = members["person"].to_numpy()

    def any_time(self, chance: np.random.Generator) -> Asked:
        """Moments at which customers know the shop, all alike."""
        clock = self._shop.story.world.clock
        person = np.repeat(self.members, MOMENTS)
        since = np.maximum(self._shop.story.world.people.since[person], 0.0)
        day = since + chance.random(len(person)) * (clock.days - since)
        now = self._shop.oracle.stage_at(person, day)
        time = pl.Series(clock.moment(day)).cast(self.did.schema["at"])
        return pl.DataFrame({"person": person, "asked": time, "now": now}).cast({"person": pl.Int32, "now": pl.Int64})

    def at_events(self, chance: np.random.Generator) -> Asked:
        """The moments of events, any of them alike."""
        rows = np.sort(chance.choice(len(self.did), min(len(self.did), MOMENTS * len(self.members)), replace=False))
        stages = ("awareness", "consideration", "decision", "retention", "loyalty")
        number = pl.col("stage").replace_strict(list(stages), list(range(5)), return_dtype=pl.Int64)
        return self.did[rows].select("person", asked="at", now=number)

    def last_event(self, asked: Asked) -> NDArray[np.float64]:
        """What the last event of each moment's customer says, the words first; nothing where there is none yet."""
        said = {name: pl.col("properties").str.json_path_match(f"$.{name}") for name in _SAID}
        category = self._shop.truth.items.select("item_id", "category")
        events = self.did.join(category, on="item_id", how="left").with_columns(**said).sort("at")
        rows = asked.with_row_index("row").sort("asked").join_asof(
            events, left_on="asked", right_on="at", by="person", check_sortedness=False
        )  # fmt: skip
        columns = rows.sort("row").with_columns(
            known=pl.col("user_id").is_not_null(),
            fetched=pl.col("user_agent").is_not_null(),
            position=pl.col("position").cast(pl.Float64),
            rating=pl.col("rating").cast(pl.Float64),
            hour=pl.col("at").dt.hour(),
            age=(pl.col("asked") - pl.col("at")).dt.total_seconds(),
        )
        return columns.select(pl.col(WORDS).rank("dense"), *_NUMBERS).cast(pl.Float64).to_numpy()

    def over_time(self, asked: Asked) -> NDArray[np.float64]:
        """For each kind of event: how many in each window before the moment, and how long the last one is ago."""
        start = self._shop.story.world.clock.start
        span = 2 * self._shop.size.days * 86_400_000_000
        person, time = asked["person"].to_numpy().astype(np.int64), asked["asked"].dt.epoch("us").to_numpy()
        until = person * span + time - start
        keys = self.did["person"].cast(pl.Int64) * span + self.did["at"].dt.epoch("us") - start
        columns = []
        for event in self.did["event"].unique().sort():
            key = keys.filter(self.did["event"] == event).to_numpy()
            end = np.searchsorted(key, until, side="right")
            for days in WINDOWS:
                begin = np.maximum(until - days * 86_400_000_000, person * span)
                columns.append((end - np.searchsorted(key, begin)).astype(np.float64))
            last = np.where(end > 0, key[end - 1], -1)
            columns.append(np.where(last >= person * span, (until - last) / 8.64e10, np.nan))
        return np.stack(columns, axis=1)


def score(
    told: NDArray[np.float64], asked: Asked, *, words: int = 0, weights: tuple[str | None, ...] = (None,)
) -> float:
    """Macro-F1 over the customers not learned from: the best of these `weights` of the stages.

    The first `words` columns of `told` are numbers of words.
    """
    learned = asked["person"].to_numpy() % 2 == 0
    stage = asked["now"].to_numpy()
    found = []
    for weight in weights:
        model = HistGradientBoostingClassifier(
            categorical_features=list(range(words)) or None, class_weight=weight, max_iter=60, random_state=0
        )
        with threadpool_limits(1):  # threads that wait for a core of their own take a minute where one takes seconds
            model.fit(told[learned], stage[learned])
        found.append(f1_score(stage[~learned], model.predict(told[~learned]), average="macro"))
    return float(max(found))
