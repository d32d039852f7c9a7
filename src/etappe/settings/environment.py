"""What belongs to the machine and not to the shop. No other module looks at the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from etappe.errors import SettingsError

DEFAULT_DATA = "etappe-data"
SHARED_METRICS = "PROMETHEUS_MULTIPROC_DIR"
PARENT = "ETAPPE_PARENT"
FAULT = "ETAPPE_FAULT"


class Place(msgspec.Struct, frozen=True):
    """Where this process finds its data folder and Redis, and how strict it is at the door."""

    data: Path
    redis_url: str | None = None
    auth: bool = True

    def environment(self) -> dict[str, str]:
        """This process's environment with the place in it, for a process of ours that we start."""
        named = dict(os.environ) | {"ETAPPE_DATA": str(self.data), "ETAPPE_AUTH": "on" if self.auth else "off"}
        return named | ({"ETAPPE_REDIS": self.redis_url} if self.redis_url else {})


def place(data: Path | None = None, redis_url: str | None = None, environ: Mapping[str, str] = os.environ) -> Place:
    """The place named by command-line options, else by ETAPPE_DATA, ETAPPE_REDIS and ETAPPE_AUTH, else the default.

    Raises:
        SettingsError: ETAPPE_AUTH is neither on nor off.
    """
    auth = environ.get("ETAPPE_AUTH", "on").lower()
    if auth not in ("on", "off"):
        raise SettingsError(f"ETAPPE_AUTH is {auth!r}; set it to on or off")
    folder = data or Path(environ.get("ETAPPE_DATA") or DEFAULT_DATA)
    return Place(data=folder.absolute(), redis_url=redis_url or environ.get("ETAPPE_REDIS") or None, auth=auth == "on")


def demo_once(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the demo is to end after its answer (DEMO_ONCE=1)."""
    return environ.get("DEMO_ONCE", "") not in ("", "0")


def parent(environ: Mapping[str, str] = os.environ) -> int | None:
    """The id of the process that this one ends with, if `etappe serve` started it."""
    text = environ.get(PARENT, "")
    return int(text) if text.isdigit() else None


def fault(environ: Mapping[str, str] = os.environ) -> str | None:
    """Where this process is to kill itself, as NAME:COUNT; see `etappe.faults`."""
    return environ.get(FAULT) or None


def shared_metrics(environ: Mapping[str, str] = os.environ) -> str | None:
    """The folder through which serving processes share their metrics, if there is one."""
    return environ.get(SHARED_METRICS)
