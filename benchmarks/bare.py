"""The yardstick: a Litestar handler that decodes the same request and encodes an answer of the same size. No more.

It is served by Granian with the options that `etappe serve` uses.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from litestar import Litestar, get, post

from etappe.serving.request import DecideRequest
from etappe.wiring.app import limit_threads

ANSWER: Final = "BENCHMARK_ANSWER"
"""Names the file with the answer, for the process that Granian starts."""


def create() -> Litestar:
    """The application, with the answer that the file named by the environment holds."""
    limit_threads()
    answer: dict[str, Any] = msgspec.json.decode(Path(os.environ[ANSWER]).read_bytes())

    @post("/v1/decide", status_code=200)
    async def decide(data: DecideRequest) -> dict[str, Any]:
        """Answers the same to everyone."""
        return answer | {"asked": len(data.placements)}

    @get("/readyz")
    async def ready() -> dict[str, bool]:
        """Answers when the server is up."""
        return {"ready": True}

    return Litestar([decide, ready], openapi_config=None, logging_config=None)


def main() -> None:
    """Serves on the port that is named."""
    Granian(
        "benchmarks.bare:create",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        workers=1,
        factory=True,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
