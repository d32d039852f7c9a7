"""What routes a command."""

import pytest

from etappe.store.wire.cluster import key_of
from etappe.store.wire.port import Command


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("MGET", "a", "b"), b"a"),
        (("GET", b"\x00a"), b"\x00a"),
        (("EVALSHA", "digest", 2, "a", "b", "value"), b"a"),
        (("EVAL", "return 1", 0), None),
        (("PING",), None),
    ],
)
def test_first_key_routes(command: Command, key: bytes | None) -> None:
    """The first key is behind the name, of a script behind the number of its keys; some commands have none."""
    assert key_of(command) == key
