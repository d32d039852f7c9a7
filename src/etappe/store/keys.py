"""Every key in Redis, each with what bounds it. A customer's keys share the hash tag of their partition.

key                                  holds                                       bound
-----------------------------------  ----------------------------------------    --------------------------------------
etappe:{017}:stream                  accepted events of partition 17             trimmed once in the log
etappe:{017}:base:SUBJECT            packed base                                 customer_days since the last event
etappe:{017}:tail:SUBJECT            records since the base                      folded at tail_limit; as the base
etappe:{017}:long                    subjects whose tail waits for folding       emptied by the worker
etappe:{017}:answer:SUBJECT:REQUEST  the answer to a request_id                  answer_seconds
etappe:{config}:stream               changes of catalogue, keys, snapshot        trimmed once compiled and in the log
etappe:{config}:leases, :positions   live replicas, what each has applied        one entry a replica; lapse by lease
etappe:{config}:keys                 hashed API keys                             one field a key
etappe:{config}:secret               the secret subjects are keyed with          one value
etappe:{artifact}:KIND:VERSION:...   chunks of a snapshot or catalogue           the last few versions
etappe:{artifact}:KIND               versions, newest first; :current the served the last few versions
etappe:{decision}:stream             decision records                            decision_stream entries
"""

from typing import Final

from etappe.ids import PARTITIONS, Partition, Subject, partition_of

CONFIG_STREAM: Final = "etappe:{config}:stream"
LEASES: Final = "etappe:{config}:leases"
LEASE_POSITIONS: Final = "etappe:{config}:positions"
API_KEYS: Final = "etappe:{config}:keys"
SECRET: Final = "etappe:{config}:secret"  # noqa: S105 - a key name
DECISION_STREAM: Final = "etappe:{decision}:stream"

_TAGS: Final = tuple(f"etappe:{{{number:03d}}}:" for number in range(PARTITIONS))


def stream(partition: int) -> str:
    """The stream of a partition's accepted events."""
    return _TAGS[partition] + "stream"


def streams() -> list[str]:
    """The streams of all partitions."""
    return [stream(number) for number in range(PARTITIONS)]


def base(subject: Subject) -> str:
    """A customer's packed base."""
    return f"{_TAGS[subject[0]]}base:{subject.hex()}"


def tail(subject: Subject) -> str:
    """A customer's records since the base."""
    return f"{_TAGS[subject[0]]}tail:{subject.hex()}"


def long_tails(partition: Partition) -> str:
    """The set of subjects of a partition whose tail waits for folding."""
    return _TAGS[partition] + "long"


def answer(subject: Subject, request_id: str) -> str:
    """The answer given to a customer's request_id."""
    return f"{_TAGS[partition_of(subject)]}answer:{subject.hex()}:{request_id}"


def artifact(kind: str) -> str:
    """The list of published versions of a kind of artifact, newest first."""
    return f"etappe:{{artifact}}:{kind}"


def artifact_current(kind: str) -> str:
    """The version of a kind of artifact that is served."""
    return f"etappe:{{artifact}}:{kind}:current"


def artifact_chunk(kind: str, version: str, name: str, number: int) -> str:
    """One chunk of one file of an artifact."""
    return f"etappe:{{artifact}}:{kind}:{version}:{name}:{number:05d}"
