"""What goes wrong between what happens and what the shop is told: late, twice, by a wrong clock, without a device."""

import msgspec
import numpy as np

from etappe.simulation.chance import stream
from etappe.simulation.clock import HOUR
from etappe.simulation.parameters.told import Mishaps
from etappe.simulation.record.record import NONE, Record
from etappe.simulation.tables import Ints, Table

_AGAIN_HOURS = 0.05
"""Median until an event is told a second time."""


class Told(Table, frozen=True):
    """One row an event as it is told, in order of arrival."""

    row: Ints
    """Row of the record; what is told twice stands here twice."""
    stamp: Ints
    """Microseconds since 1970, by the clock of the device."""


def clocks(seed: int, devices: int, said: Mishaps) -> Ints:
    """int64[devices]: by how much (microseconds) each device's clock is wrong; mostly 0."""
    chance = stream(seed, "clocks")
    wrong = chance.random(devices) < said.wrong_clocks
    error = np.rint(chance.uniform(-1, 1, devices) * said.clock_hours * 3600) * 1_000_000
    return np.where(wrong, error, 0).astype(np.int64)


def forget_devices(seed: int, record: Record, said: Mishaps) -> Record:
    """The record with some events that name a user, but no device."""
    lost = (stream(seed, "lost").random(len(record)) < said.lost_devices) & (record.user != NONE)
    return msgspec.structs.replace(record, device=np.where(lost, NONE, record.device).astype(record.device.dtype))


def tell(seed: int, record: Record, clock_errors: Ints, said: Mishaps) -> Told:
    """How the `record` (by time) arrives."""
    chance = stream(seed, "mishaps")
    row = np.arange(len(record))
    late = chance.random(len(record)) < said.late
    delay = np.zeros(len(record), dtype=np.int64)
    delay[late] = _delays(chance, said.late_hours, int(late.sum()))
    twice = np.flatnonzero(chance.random(len(record)) < said.duplicates)
    again = delay[twice] + _delays(chance, _AGAIN_HOURS, len(twice))
    arrival = np.concatenate((record.time + delay, record.time[twice] + again))
    row = np.concatenate((row, row[twice]))
    row = row[np.argsort(arrival, kind="stable")]
    error = np.append(clock_errors, 0)[record.device[row]]
    return Told(row=row, stamp=record.time[row] + error)


def _delays(chance: np.random.Generator, median: float, count: int) -> Ints:
    """int64[count], microseconds."""
    return (median * np.exp(chance.normal(0, 1.0, count)) * HOUR).astype(np.int64)
