"""The tables of the log and their columns. A column is added, never renamed; readers fill what older files lack."""

from collections.abc import Mapping
from typing import Final

import polars as pl

_Columns = Mapping[str, pl.DataType | type[pl.DataType]]

TIME: Final = pl.Datetime("us", "UTC")

_EVENT: _Columns = {
    "event_id": pl.String,
    "event": pl.String,
    "time": TIME,
    "received": TIME,
    "subject": pl.Binary,
    "user_id": pl.String,
    "anonymous_id": pl.String,
    "item_id": pl.String,
    "quantity": pl.Int32,
    "price": pl.Float64,
    "currency": pl.String,
    "order_id": pl.String,
    "channel": pl.String,
    "properties": pl.String,
    "source": pl.String,
}
EVENT: Final = pl.Schema(_EVENT)
"""One row an event. `subject` is null where nobody is known (a till receipt); `properties` is JSON."""

_CONFIG: _Columns = {"position": pl.String, "kind": pl.String, "payload": pl.String, "time": TIME}
CONFIG: Final = pl.Schema(_CONFIG)
"""One row a change of catalogue, keys or snapshot pointer: `payload` is JSON, `position` the stream id."""

_DECISION: _Columns = {"decision": pl.String, "time": TIME, "subject": pl.Binary, "record": pl.String}
DECISION: Final = pl.Schema(_DECISION)
"""One row a decision: `record` is the JSON of `serving.record.DecisionRecord`."""

TABLES: Final[dict[str, pl.Schema]] = {"event": EVENT, "config": CONFIG, "decision": DECISION}
