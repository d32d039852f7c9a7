"""Candidates as arrays that grow at their end. Sources write into them, each by one kernel where that can be."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_ROOM: Final = 1024


class Candidates:
    """Each array has room for more; the first `count` values of each are candidates.

    `rows` int64 of the catalogue; `scores` float32 relative to the source's best; `because` int64, the model row of the
    item that brought each, and `counts` int64, the customers (or orders) who took both; -1 where no single item did.
    """

    def __init__(self) -> None:
        self.count = 0
        self.rows = np.empty(_ROOM, np.int64)
        self.scores = np.empty(_ROOM, np.float32)
        self.because = np.empty(_ROOM, np.int64)
        self.counts = np.empty(_ROOM, np.int64)

    @property
    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        """All four, for kernels that write into them from `count` on."""
        return self.rows, self.scores, self.because, self.counts

    def make_room(self, more: int) -> None:
        """Has room for so many `more` afterwards: arrays may be others than before."""
        room = self.count + more
        if room > len(self.rows):
            room = max(room, 2 * len(self.rows))
            self.rows, self.scores = grown(self.rows, room), grown(self.scores, room)
            self.because, self.counts = grown(self.because, room), grown(self.counts, room)

    def append(
        self,
        rows: NDArray[np.integer[Any]],
        scores: NDArray[np.floating[Any]],
        because: NDArray[np.integer[Any]] | int = -1,
        counts: NDArray[np.integer[Any]] | int = -1,
    ) -> None:
        """Adds candidates at the end; for sources of which little is asked, and without a kernel."""
        self.make_room(len(rows))
        new = slice(self.count, self.count + len(rows))
        self.rows[new], self.scores[new], self.because[new], self.counts[new] = rows, scores, because, counts
        self.count += len(rows)


def grown(array: NDArray[Any], size: int) -> NDArray[Any]:
    """`array` with room for `size` along its first axis; what is new says nothing."""
    room = np.zeros((size, *array.shape[1:]), array.dtype)
    room[: len(array)] = array
    return room
