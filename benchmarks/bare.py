"""The yardstick: a Litestar handler that decodes the same request and encodes an answer of the same size. No more.

It is served as `etappe serve` serves, by the same server with the same bounds.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar, get, post

from etappe.api.server import process
from etappe.serving.request import DecideRequest
from etappe.settings import Limits
from etappe.wiring.app import limit_threads

ANSWER: Final = "BENCHMARK_ANSWER"
"""Names the file with the answer."""


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
    process.run(create(), "127.0.0.1", int(sys.argv[1]), Limits())


if __name__ == "__main__":
    main()
