"""Every key in Redis, each with what bounds it. A customer's keys share the hash tag of their partition.

key                                  holds                                       bound
-----------------------------------  ----------------------------------------    --------------------------------------
etappe:{017}:stream                  accepted events of partition 17             trimmed once in the log
etappe:{017}:mark                    generation, and how far the log has read   one value
etappe:{017}:c:SUBJECT               all of one subject: see `envelope`          customer_days after the last event
etappe:{017}:c:BROWSER               what a linked browser did itself            as any; `ids.browser_of` a subject
etappe:{017}:long                    subjects whose tail waits for folding       emptied by the worker
etappe:{017}:members:SUBJECT         a customer's identities, by subject         as the customer; 500 identities
etappe:{017}:gone:TOMBSTONE          when an identity was erased                 one value an erased identity
etappe:{017}:erased                  when the last one of them was erased        one value
etappe:{017}:dirty                   subjects to be rebuilt from the log         emptied by the worker
etappe:{017}:answer:SUBJECT:REQUEST  the answer to a request_id, packed          answer_seconds; answers_mib in all
etappe:{017}:answers                 the ring of a partition's kept answers      its share of answers_mib
etappe:{config}:stream               changes of catalogue, keys, snapshot        trimmed once compiled and in the log
etappe:{identity}:stream             changes of the identity graph               trimmed once in the log
etappe:{identity}:mark               as of a partition                           one value
etappe:{identity}:epoch, :lock       number of the last change, who makes one    one value; 5 seconds
etappe:{identity}:intent             the change under way                        one value
etappe:{identity}:erasures           whom the log still holds though erased      emptied by the worker
etappe:{identity}:receipt:RECEIPT    when that was done                          customer_days
etappe:{export}:wanted, :RECEIPT     exports asked for, and the finished ones    one entry each; 10 minutes
etappe:{config}:mark                 as of a partition                           one value
etappe:{config}:beat                 how often leases were renewed                one number
etappe:{config}:leases, :positions   live replicas, what each has applied        one entry a replica; lapse by lease
etappe:{config}:keys                 hashed API keys                             one field a key
etappe:{config}:beginning            who begins the place                        10 seconds
etappe:{config}:sweep                how far the sweep of records has come          one value
etappe:{config}:secret               the secret subjects are keyed with          one value
etappe:{artifact}:KIND:VERSION:...   chunks of a snapshot or catalogue           the last few versions
etappe:{artifact}:KIND               versions, newest first; :current the served the last few versions
etappe:{decision}:stream             decision records                            decision_stream entries
"""

from typing import Final

from etappe.ids import PARTITIONS, SUBJECT_BYTES, Partition, Subject, browser_of, partition_of

CONFIG_STREAM: Final = "etappe:{config}:stream"
BEAT: Final = "etappe:{config}:beat"
CONFIG_MARK: Final = "etappe:{config}:mark"
LEASES: Final = "etappe:{config}:leases"
LEASE_POSITIONS: Final = "etappe:{config}:positions"
API_KEYS: Final = "etappe:{config}:keys"
BEGINNING: Final = "etappe:{config}:beginning"
SWEEP: Final = "etappe:{config}:sweep"
SECRET: Final = "etappe:{config}:secret"  # noqa: S105 - a key name
IDENTITY_STREAM: Final = "etappe:{identity}:stream"
IDENTITY_MARK: Final = "etappe:{identity}:mark"
IDENTITY_EPOCH: Final = "etappe:{identity}:epoch"
IDENTITY_LOCK: Final = "etappe:{identity}:lock"
IDENTITY_INTENT: Final = "etappe:{identity}:intent"
ERASURES: Final = "etappe:{identity}:erasures"
EXPORTS_WANTED: Final = "etappe:{export}:wanted"
DECISION_STREAM: Final = "etappe:{decision}:stream"

_TAGS: Final = tuple(f"etappe:{{{number:03d}}}:" for number in range(PARTITIONS))


def stream(partition: int) -> str:
    """The stream of a partition's accepted events."""
    return _TAGS[partition] + "stream"


def streams() -> list[str]:
    """The streams of all partitions."""
    return [stream(number) for number in range(PARTITIONS)]


def mark(partition: int) -> str:
    """The mark of a partition: see `marks`."""
    return _TAGS[partition] + "mark"


def mark_of(stream_name: str) -> str:
    """The mark beside a stream."""
    return stream_name.removesuffix("stream") + "mark"


MARKED: Final = (*streams(), IDENTITY_STREAM, CONFIG_STREAM)
"""The streams that have a mark beside them: those without which Redis would not be what it was."""


def record(subject: Subject) -> str:
    """All that is kept of a subject: see `envelope`."""
    return f"{_TAGS[subject[0]]}c:{subject.hex()}"


def subject_in(name: bytes, kind: str) -> Subject | None:
    """Whose key this is, where it is one of a subject's of that kind: `c` or `members`."""
    start = f":{kind}:".encode()
    at = name.find(start, len(_TAGS[0]) - 1)
    digits = name[at + len(start) :]
    if at != len(_TAGS[0]) - 1 or len(digits) != 2 * SUBJECT_BYTES:
        return None
    return Subject(bytes.fromhex(digits.decode()))


def long_tails(partition: Partition) -> str:
    """The set of subjects of a partition whose tail waits for folding."""
    return _TAGS[partition] + "long"


def members(subject: Subject) -> str:
    """The identities of a customer, by subject."""
    return f"{_TAGS[subject[0]]}members:{subject.hex()}"


def gone(subject: Subject, tombstone: bytes) -> str:
    """When the identity with this tombstone was erased."""
    return f"{_TAGS[subject[0]]}gone:{tombstone.hex()}"


def erased(partition: Partition) -> str:
    """When somebody of a partition was last erased: who is older than that is looked for among `gone`."""
    return _TAGS[partition] + "erased"


def of_browser(subject: Subject) -> list[str]:
    """What the script asks that adds to a browser's own record: its record, that beside it, long tails."""
    return [record(subject), record(browser_of(subject)), long_tails(partition_of(subject))]


def dirty(partition: Partition) -> str:
    """The subjects of a partition that are to be rebuilt from the log, by when that was found."""
    return _TAGS[partition] + "dirty"


def answer(subject: Subject, request_id: str) -> str:
    """The answer given to a customer's request_id."""
    return f"{_TAGS[partition_of(subject)]}answer:{subject.hex()}:{request_id}"


def answers(partition: Partition) -> str:
    """The ring of a partition's kept answers: their names, sizes and times."""
    return _TAGS[partition] + "answers"


def receipt(number: str) -> str:
    """What became of an erasure."""
    return f"etappe:{{identity}}:receipt:{number}"


def export(number: str) -> str:
    """A finished export."""
    return f"etappe:{{export}}:{number}"


def artifact(kind: str) -> str:
    """The list of published versions of a kind of artifact, newest first."""
    return f"etappe:{{artifact}}:{kind}"


def artifact_current(kind: str) -> str:
    """The version of a kind of artifact that is served."""
    return f"etappe:{{artifact}}:{kind}:current"


def artifact_chunk(kind: str, version: str, name: str, number: int) -> str:
    """One chunk of one file of an artifact."""
    return f"etappe:{{artifact}}:{kind}:{version}:{name}:{number:05d}"
