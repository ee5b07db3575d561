"""Counts in memory what entries match, on the path of every match: a lock, some dictionary look-ups, and no disk."""

import dataclasses
import datetime
import math
import statistics
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from hashsvc.bank import records
from hashsvc.bank.breaker import Affected, Breaker
from hashsvc.bank.model import Verdict
from hashsvc.config import BreakerSettings
from hashsvc.match.model import Match, MatchResult
from hashsvc.match.verdict import strictest

Place = tuple[str, str]
"""Bank and entry."""

_MOST_ENTRIES = 4096
MOST_HITS = 20_000
"""Uploads remembered of one entry; no limit is higher."""
_DAY = 86400.0


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What is on disk of an entry's matches."""

    matched: bool = False
    """Whether it ever had one."""
    weight: float = 0.0
    """Different uploads, each counting half as much for every day that has passed since it came,"""
    at: float = 0.0
    """as of then, Unix seconds."""
    first_at: float = 0.0
    """When it was matched first, Unix seconds; 0 where that was before it was kept."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """More uploads within the window than an entry usually has."""

    match: Match
    hits: int
    usual: float
    """Within a window, on average over the last day."""


@dataclasses.dataclass(slots=True, kw_only=True)
class News:
    """What a match has brought to light, for somebody else to write down."""

    at: float = 0.0
    """When, Unix seconds."""
    first: list[Match] = dataclasses.field(default_factory=list)
    bursts: list[Burst] = dataclasses.field(default_factory=list)
    trips: list[Breaker] = dataclasses.field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.first or self.bursts or self.trips)


@dataclasses.dataclass(frozen=True, slots=True)
class _Hit:
    at: float
    blocked: bool
    query_coverage: float
    reference_coverage: float
    content_id: str


@dataclasses.dataclass(slots=True)
class _Entry:
    """The matches of one entry."""

    matched: bool
    weight: float
    at: float
    first_at: float
    hits: "OrderedDict[str, _Hit]" = dataclasses.field(default_factory=OrderedDict)
    """By upload, oldest first, no older than the window."""
    blocked: int = 0
    """Of the hits."""
    told_until: float = 0.0
    """A burst is told once a window."""
    reviewed: "OrderedDict[str, Affected]" = dataclasses.field(default_factory=OrderedDict)
    """Since the breaker tripped, as far as not written down yet."""


class Tally:
    """Thread-safe. `load` is asked once for each entry that matches."""

    def __init__(
        self,
        settings: BreakerSettings,
        load: Callable[[Place], Known],
        raised: Callable[[], Mapping[Place, int]] = dict,
    ) -> None:
        """`raised` gives the limits of entries that are known to be spreading."""
        self._settings = settings
        self._load = load
        self._raised = raised
        self._entries: OrderedDict[Place, _Entry] = OrderedDict()
        self._tripped: set[Place] = set()
        self._unwritten: set[Place] = set()
        """Of the tripped ones, those that the disk does not know yet."""
        self._allowed: dict[Place, int] = {}
        self._lock = threading.Lock()

    def judge(self, upload: str, result: MatchResult, content_id: str = "") -> tuple[MatchResult, News]:
        """`result` as tripped breakers leave it, and what it brought to light.

        `upload` tells one upload from another; `content_id` is only written down.
        """
        now = records.now()
        news = News(at=now.timestamp())
        with self._lock:
            matches = tuple(self._judged(one, upload, content_id, now, news) for one in result.matches)
        if matches == result.matches:
            return result, news
        verdict = strictest(one.verdict for one in matches)
        return dataclasses.replace(result, verdict=verdict, matches=matches), news

    def follow(self, breakers: Iterable[Breaker]) -> None:
        """Take over what is on disk: which breakers are tripped, and which limits were set when others were reset."""
        known = {(one.bank, one.entry): one for one in breakers}
        with self._lock:
            tripped = {place for place, one in known.items() if one.tripped}
            for place in self._tripped - tripped - self._unwritten:
                self._tripped.discard(place)
                if place in self._entries:  # begin to count anew, or the next match would trip it again
                    entry = self._entries[place]
                    entry.hits.clear()
                    entry.blocked = 0
            self._tripped |= tripped
            self._allowed = {place: one.allowed_hits for place, one in known.items() if one.allowed_hits}

    def written(self, place: Place) -> None:
        """A trip that was news is on disk."""
        with self._lock:
            self._unwritten.discard(place)

    def taken(self) -> Mapping[Place, tuple[Affected, ...]]:
        """The uploads that came to tripped entries since this was last asked."""
        with self._lock:
            taken = {place: tuple(one.reviewed.values()) for place, one in self._entries.items() if one.reviewed}
            for place in taken:
                self._entries[place].reviewed.clear()
            return taken

    def rates(self) -> Mapping[Place, Known]:
        """What is to be on disk of each entry."""
        with self._lock:
            return {place: Known(one.matched, one.weight, one.at, one.first_at) for place, one in self._entries.items()}

    def _judged(self, match: Match, upload: str, content_id: str, now: datetime.datetime, news: News) -> Match:
        place = (match.bank, match.entry)
        entry, moment = self._entry(place), now.timestamp()
        if not entry.matched:
            entry.matched, entry.first_at = True, moment
            news.first.append(match)
        self._prune(entry, moment)
        blocks = match.verdict is Verdict.BLOCK and not match.digest and self._settings.enabled
        if blocks and place not in self._tripped and self._is_flood(place, entry, upload, moment):
            self._tripped.add(place)
            self._unwritten.add(place)
            news.trips.append(self._trip(match, entry, now))
        if blocks and place in self._tripped:
            match = dataclasses.replace(match, verdict=Verdict.REVIEW, breaker="/".join(place))
            blocks = False
            if len(entry.reviewed) < MOST_HITS:
                entry.reviewed.setdefault(
                    upload, Affected(upload=upload, content_id=content_id, verdict=Verdict.REVIEW, at=now)
                )
        hit = _Hit(moment, blocks, match.query_coverage, match.reference_coverage, content_id)
        self._count(entry, upload, hit, usual=place not in self._tripped)
        usual = self._usual(entry, moment)
        many = max(self._settings.burst_hits, self._settings.usual_factor * usual)
        if len(entry.hits) >= many and moment >= entry.told_until:
            entry.told_until = moment + self._settings.window_seconds
            news.bursts.append(Burst(match=match, hits=len(entry.hits), usual=usual))
        return match

    def _entry(self, place: Place) -> _Entry:
        if place not in self._entries:
            known = self._load(place)
            self._entries[place] = _Entry(known.matched, known.weight, known.at, known.first_at)
            if len(self._entries) > _MOST_ENTRIES:
                self._entries.popitem(last=False)
        self._entries.move_to_end(place)
        return self._entries[place]

    def _prune(self, entry: _Entry, moment: float) -> None:
        oldest = moment - self._settings.window_seconds
        while entry.hits:
            upload, hit = next(iter(entry.hits.items()))
            if hit.at >= oldest and len(entry.hits) < MOST_HITS:
                return
            del entry.hits[upload]
            entry.blocked -= hit.blocked

    def _is_flood(self, place: Place, entry: _Entry, upload: str, moment: float) -> bool:
        """Whether this upload would be one more than the entry may block within the window."""
        known = entry.hits.get(upload)
        return not (known and known.blocked) and entry.blocked >= self._most(place, entry, moment)

    def _usual(self, entry: _Entry, moment: float) -> float:
        """Uploads that the entry has in a window, on average over the last day or two."""
        return _decayed(entry, moment) * math.log(2) * self._settings.window_seconds / _DAY

    def _most(self, place: Place, entry: _Entry, moment: float) -> int:
        usual = self._usual(entry, moment)
        by_settings = max(self._settings.hits, int(self._settings.usual_factor * usual))
        allowed = self._allowed.get(place, by_settings)
        return min(max(allowed, self._raised().get(place, 0)), MOST_HITS - 1)

    def _count(self, entry: _Entry, upload: str, hit: _Hit, *, usual: bool) -> None:
        """Each upload once within the window, as blocked where one of its readings was; a flood is not `usual`."""
        known = entry.hits.get(upload)
        if known is None:
            entry.hits[upload] = hit
            entry.blocked += hit.blocked
            if usual:
                entry.weight, entry.at = _decayed(entry, hit.at) + 1, hit.at
        elif hit.blocked and not known.blocked:
            entry.hits[upload] = dataclasses.replace(hit, at=known.at)
            entry.blocked += 1

    def _trip(self, match: Match, entry: _Entry, now: datetime.datetime) -> Breaker:
        """The breaker of an entry that has blocked all that it may."""
        blocked = [(upload, hit) for upload, hit in entry.hits.items() if hit.blocked]
        return Breaker(
            bank=match.bank,
            entry=match.entry,
            external_id=match.external_id,
            tripped=True,
            tripped_at=now,
            limit=len(blocked),
            window_seconds=self._settings.window_seconds,
            query_coverage=statistics.median(hit.query_coverage for _, hit in blocked) if blocked else 0.0,
            reference_coverage=statistics.median(hit.reference_coverage for _, hit in blocked) if blocked else 0.0,
            blocked=len(blocked),
            affected=tuple(
                Affected(
                    upload=upload,
                    content_id=hit.content_id,
                    verdict=Verdict.BLOCK,
                    at=datetime.datetime.fromtimestamp(hit.at, datetime.UTC),
                )
                for upload, hit in blocked
            ),
        )


def _decayed(entry: _Entry, moment: float) -> float:
    """Its weight by now; a clock that was put back does not make it more."""
    return entry.weight * math.exp2(-max(0.0, moment - entry.at) / _DAY)
