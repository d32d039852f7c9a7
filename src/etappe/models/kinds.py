"""What a folder of arrays is called that models are kept in: for who reads its manifest and not its arrays."""

from typing import Final

SNAPSHOT: Final = "snapshot"
