"""Identifiers: fixed for good, since Redis and the log are keyed by them."""

import os

import numpy as np
import pytest

from etappe import ids
from etappe.ids import PARTITIONS, Partition, Subject, event_hash, item_hash, order_hash, partition_of, subject_of


def test_known_hashes() -> None:
    """The hashes of these ids are what they were on the first day; a change means re-keying every store."""
    assert [
        item_hash("85123A"),
        event_hash("85123A"),
        order_hash("85123A"),
    ] == [6614266798708676, 12673854847281189387, 625636915]


def test_known_hashes_beyond_ascii() -> None:
    """Ids are hashed as UTF-8."""
    assert item_hash("Käse") == 11488512084059857


def test_known_subject() -> None:
    """The subject of this identity under this secret is what it was on the first day."""
    assert subject_of(b"secret", "user_id", "17850").hex() == "bd66a342770c5e3fef8ab91917745a46"


@pytest.mark.parametrize(
    ("secret", "kind", "value"),
    [(b"other", "user_id", "17850"), (b"secret", "anonymous_id", "17850"), (b"secret", "user_id", "17851")],
)
def test_subject_depends_on_all(secret: bytes, kind: str, value: str) -> None:
    """Another secret, kind or value is another subject: nobody without the secret can tell who it is."""
    assert subject_of(b"secret", "user_id", "17850") != subject_of(secret, kind, value)


def test_kind_and_value_do_not_run_together() -> None:
    """Where the kind ends and the value begins makes a difference."""
    assert subject_of(b"s", "ab", "c") != subject_of(b"s", "a", "bc")


def test_subject_has_128_bits() -> None:
    """A subject is 16 bytes, as its keys and log rows expect."""
    assert len(subject_of(b"s", "user_id", "x")) == 16


def test_partition_is_first_byte() -> None:
    """A partition is the first byte of a subject, so every key of a customer can be told from the subject alone."""
    assert partition_of(Subject(bytes([217]) + bytes(15))) == Partition(217)


def test_partitions_are_uniform() -> None:
    """Customers spread evenly: chi-squared over 256 partitions stays below its 99.99th percentile, 347.7."""
    drawn = [partition_of(subject_of(b"s", "user_id", str(number))) for number in range(25_600)]
    counts = np.bincount(drawn, minlength=PARTITIONS)
    assert len(counts) == PARTITIONS
    assert float(((counts - 100.0) ** 2 / 100.0).sum()) < 347.7


def test_hash_zero_is_kept_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 means "none" in records, so an id that hashes to 0 is known as 1."""
    monkeypatch.setattr(ids, "_hash64", lambda text, begun: 1 << 32 if begun is ids._ORDER else 0)
    forgetful = item_hash.__wrapped__  # what is made up here is not to be remembered
    assert [forgetful("x"), event_hash("x"), order_hash("x")] == [1, 1, 1]


def test_decision_ids_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision's id is a ULID: 26 characters whose first ten are the Unix milliseconds."""
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_469_918_176_385 * 1_000_000)
    found = ids.new_decision_id()
    assert (len(found), found[:10]) == (26, "01ARYZ6S41")


def test_time_of_a_decision_id_is_a_number_of_base_32() -> None:
    """Whatever the time, the first ten digits are the milliseconds."""
    for milliseconds in (0, 1, 2**20 - 1, 2**20, 2**48 - 1, 1_469_918_176_385):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ids.time, "time_ns", lambda told=milliseconds: told * 1_000_000)
            digits = ids.new_decision_id()[:10]
        number = 0
        for digit in digits:
            number = number * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(digit)
        assert number == milliseconds


def test_decision_ids_differ() -> None:
    """Ids made in the same millisecond differ, from block to block."""
    assert len({ids.new_decision_id() for _ in range(1000)}) == 1000


def test_random_digits_are_uniform() -> None:
    """Each of 32 digits comes as often: chi-squared stays below its 99.99th percentile, 71.4."""
    digits = "".join(ids.new_decision_id()[10:] for _ in range(2000))
    counts = np.unique(list(digits), return_counts=True)[1]
    assert len(counts) == 32
    assert float(((counts - 1000.0) ** 2 / 1000.0).sum()) < 71.4


def test_a_forked_process_draws_anew() -> None:
    """What was drawn before a fork is handed out on one side of it only."""
    ids.unguessable()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join(ids.unguessable() for _ in range(4)))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 64)
    os.close(reading)
    os.close(writing)
    ours = [ids.unguessable() for _ in range(4)]
    assert len(theirs) == 64
    assert not any(one in theirs for one in ours)
