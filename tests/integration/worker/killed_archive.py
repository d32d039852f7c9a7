"""A process that archives what is in the streams: to be killed on the way.

Run as `python killed_archive.py DATA [REDIS]`.
"""

import sys
from pathlib import Path

from etappe.log import Log
from etappe.settings import Place
from etappe.store.server import connection
from etappe.worker.archiving import archive as module


def main() -> None:
    """Archives a few entries at a time."""
    place = Place(Path(sys.argv[1]), redis_url=sys.argv[2] if len(sys.argv) > 2 else None)
    module.PER_STREAM = 2  # type: ignore[misc]
    with connection.connect(place) as client:
        log = Log(place.data / "log")
        log.prepare()
        module.archive(client, log)


if __name__ == "__main__":
    main()
