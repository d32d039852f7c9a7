"""The options every command has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from etappe import settings
from etappe.settings import Place


@Parameter(name="*")
@dataclass(frozen=True)
class Where:
    """Where data and Redis are."""

    data: Annotated[Path | None, Parameter(help="Data folder (ETAPPE_DATA; default ./etappe-data).")] = None
    redis: Annotated[str | None, Parameter(help="Redis URL (ETAPPE_REDIS; default: embedded server).")] = None

    def place(self) -> Place:
        """The place that options and environment name."""
        return settings.place(self.data, self.redis)


HERE = Where()
"""Where the environment says."""
