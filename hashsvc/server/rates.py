"""How often each caller may call: a bucket that calls empty and time fills."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from hashsvc.config import RateSettings
from hashsvc.errors import UnavailableError
from hashsvc.wire.errors import RETRY_AFTER

_CALLERS = 1 << 16
"""Buckets kept; the one not used for longest is forgotten first, by when it is full unless so many call at once."""
_LONGEST_WAIT = 60.0


class Rates:
    """One bucket a caller. Used on the event loop only."""

    def __init__(self, settings: RateSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._settings = settings
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, caller: Hashable) -> None:
        """Count one call. Raises UnavailableError RATE_LIMITED, which says after how many seconds the next one may come."""
        now, rate, burst = self._clock(), self._settings.calls_per_second, self._settings.burst
        level, since = self._buckets.pop(caller, (float(burst), now))
        level = min(float(burst), level + (now - since) * rate)
        self._buckets[caller] = (max(level - 1, 0.0) if level >= 1 else level, now)
        if len(self._buckets) > _CALLERS:
            self._buckets.popitem(last=False)
        if level < 1:
            wait = min((1 - level) / rate, _LONGEST_WAIT) if rate else _LONGEST_WAIT
            message = f"more than {rate:g} calls a second; try again in {wait:.3f} s"
            raise UnavailableError("RATE_LIMITED", message, **{RETRY_AFTER: round(wait, 3)})
