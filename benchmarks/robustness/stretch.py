"""The same footage in a copy and in its source."""

from collections.abc import Iterable
from typing import NamedTuple

Interval = tuple[float, float]


class Stretch(NamedTuple):
    """An interval of the copy that shows an interval of the source, seconds; at any speed, forwards or backwards."""

    copy_start: float
    copy_end: float
    source_start: float
    source_end: float

    @property
    def in_copy(self) -> Interval:
        return self.copy_start, self.copy_end

    @property
    def in_source(self) -> Interval:
        return self.source_start, self.source_end

    def later(self, seconds: float) -> "Stretch":
        """The same where the source begins so much earlier."""
        return self._replace(source_start=self.source_start + seconds, source_end=self.source_end + seconds)


def ends(stretches: Iterable[Stretch]) -> Stretch:
    """From the first beginning to the last end, in the copy and in the source; raises ValueError for none."""
    starts, stops, begins, finishes = zip(*stretches, strict=True)
    return Stretch(min(starts), max(stops), min(begins), max(finishes))
