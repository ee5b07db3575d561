"""Every setting, frozen, loaded once at the edge and passed down; nothing below reads the environment."""

import dataclasses
import math
import tomllib
from pathlib import Path
from typing import Any

from hashsvc.errors import InvalidInputError

_MAY_BE_NONE = frozenset({"match_processes"})
"""Counts of which 0 is one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one video. Breaking one raises LimitExceededError."""

    max_bytes: int = 4 << 30
    """Size of the file, bytes."""
    max_duration: float = 4 * 3600.0
    """Presentation time, seconds."""
    max_pixels: int = 8192 * 4608
    """Width x height of one coded frame; 8K fits, a 16k x 16k header does not."""
    max_frames: int = 2_000_000
    """Packets of the video stream."""
    max_hashed_frames: int = 100_000
    """Frames kept in one fingerprint."""
    max_cpu_seconds: float = 1800.0
    """CPU time of one job in the sandboxed worker."""
    max_deep_duration: float = 1800.0
    """An upload longer than this is never read deeply, seconds."""
    max_match_cpu_seconds: float = 120.0
    """The same for an upload, which is untrusted and comes by the thousand."""
    max_memory: int = 4 << 30
    """Address space of the sandboxed worker, bytes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """The sandboxed hashing workers of one process."""

    workers: int = 2
    """Concurrent worker processes."""
    queue: int = 64
    """Jobs that may wait for a worker; one more is UnavailableError OVERLOADED."""
    jobs_per_worker: int = 200
    """A worker is replaced after so many jobs, so that a leak in a codec cannot grow without end."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The gRPC edge."""

    max_message_bytes: int = 64 << 20
    """One gRPC message; media is streamed in chunks, so only fingerprints come near it."""
    match_processes: int = 2
    """Processes that match uploads beside the one that serves, one for each core. With 0 the server matches itself,"""
    match_threads: int = 2
    """on so many threads, which wait for each other most of the time: one process runs one thread's Python at a time."""
    drain_seconds: float = 15.0
    """After SIGTERM, how long running calls may take."""
    min_revision_wait: float = 2.0
    """How long a match with `min_revision` waits for the index, seconds."""
    max_page_size: int = 1000
    """Items in one page of a list; more are coerced down to it."""
    reference_cache_bytes: int = 512 << 20
    """Decoded references held in memory between matches."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """What is searched exactly, and how much of the rest. Passed on to `hashsvc_index.IndexSettings`."""

    hot_hashes: int = 1 << 14
    """Newest hashes that are searched exactly; older ones move to the cold tier, which is searched by list."""
    probes: int = 12
    """Lists searched for each hash of an upload at least,"""
    scan_hashes: int = 8_000
    """and more as long as they hold fewer hashes than this together,"""
    most_probes: int = 32
    """and are no more than this: so many of the short lists of a small bank are enough."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HintSettings:
    """What in a quick reading of an upload calls for a deep one, in banks whose `depth` is auto."""

    chance_matches: float = 1000.0
    """So few matches expected by chance that are as good as one of those found: a match needs one in ten thousand. One in
    ten of unrelated uploads comes so near some entry of a small bank."""
    insets: int = 2
    """So many pictures inside the picture: ordinary footage has one at most, by chance."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VaccinationSettings:
    """What a server does to strengthen an entry after it has confirmed its bytes."""

    enabled: bool = True
    """Whether a server attacks the entries that it hashed itself; `confirm --vaccinate` does so in any case."""
    threads: int = 1
    """Entries attacked at once, each in a process of the lowest priority."""
    window_seconds: float = 20.0
    """Length of a stretch of the video that is edited; a minute of it takes about 400 MB while it is."""
    max_windows: int = 3
    """Stretches taken from a long video: one for each two minutes, up to this."""
    max_added_views: int = 8
    """Views that may be added to an entry."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecentSettings:
    """Fingerprints of recent uploads, kept so that a video confirmed later is found in them."""

    enabled: bool = True
    """Whether uploads that come with a content id are kept, and hunted through."""
    ttl_hours: float = 72.0
    """How long one is kept."""
    max_bytes: int = 4 << 30
    """Disk that they may take; the oldest go first. One takes about 4 kB, one read deeply about 60 kB."""
    hunt_processes: int = 2
    """Processes of the lowest priority that search them at once."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """What a server proves itself with, and whom it asks for the same. PEM files, read anew when they change."""

    certificate: str = ""
    """File with the server's certificate and those between it and its authority; empty: no TLS."""
    key: str = ""
    """File with its private key, not encrypted."""
    client_ca: str = ""
    """File with the authorities of client certificates; with it, every client must have one."""
    identities: tuple[tuple[str, str], ...] = ()
    """Names in client certificates, each with the role that it gives; in TOML the table `[tls.identities]`."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RateSettings:
    """How often one caller may call: by name, or by address where callers have no name."""

    calls_per_second: float = 1000.0
    """Calls in the long run;"""
    burst: int = 2000
    """and at once, after a pause."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings:
    """Events and webhooks."""

    max_events: int = 100_000
    """Events kept, delivered or not; older ones are dropped."""
    keep_days: int = 30
    """Days that an event is kept, delivered or not."""
    delivery_seconds: float = 10.0
    """How long one delivery to a webhook may take, seconds."""
    longest_wait_seconds: float = 60.0
    """Longest pause before a delivery is tried again, seconds."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """When an entry's matches are a burst, and when a flood."""

    enabled: bool = True
    """Whether an entry that floods is set to REVIEW by itself."""
    window_seconds: float = 600.0
    """Matches are counted over so long, seconds."""
    hits: int = 40
    """Different uploads that an entry may block within the window,"""
    usual_factor: float = 10.0
    """or so many times what it usually has, where that is more."""
    burst_hits: int = 20
    """Different uploads within the window that are told as a burst, or `usual_factor` times the usual."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TaxonomySettings:
    """Which labels there are in banks that take no others."""

    file: str = ""
    """TOML file of the form of `hashsvc/bank/taxonomy.toml`; empty: that one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSettings:
    """The log of verdicts. Its records are kept for good; these bound the fingerprints that they can be replayed by."""

    keep_fingerprints: bool = True
    """Whether the fingerprint of an upload that was not let through is kept."""
    ttl_days: float = 183.0
    """How long, after the last verdict on it: complaints may come for six months (DSA art. 20)."""
    max_bytes: int = 4 << 30
    """Disk that they may take; those judged longest ago go first. One takes about 6 kB, one read deeply about 80 kB."""
    max_fingerprint_bytes: int = 4 << 20
    """One that is larger is not kept."""
    queue: int = 4096
    """Verdicts that may wait for the disk, or be owed to it; one more is UnavailableError OVERLOADED."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DryRunSettings:
    """What an entry may hit before it takes a second person to confirm it."""

    at_confirm: bool = True
    """Whether a confirm looks before it takes effect, and makes a candidate of what hits too much."""
    recent_hits: int = 100
    """From so many recent uploads on that an entry would find, it takes a second person,"""
    known_good_hits: int = 1
    """and from so many known-good videos on."""
    known_good: str = ""
    """Bank whose confirmed entries are known to be harmless, at best an allow bank; empty: there is none."""
    seconds: float = 0.5
    """How long a confirm looks at the most."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of them, by section."""

    limits: Limits = Limits()
    workers: WorkerSettings = WorkerSettings()
    server: ServerSettings = ServerSettings()
    index: IndexSettings = IndexSettings()
    hints: HintSettings = HintSettings()
    vaccination: VaccinationSettings = VaccinationSettings()
    recent: RecentSettings = RecentSettings()
    tls: TlsSettings = TlsSettings()
    rates: RateSettings = RateSettings()
    events: EventSettings = EventSettings()
    breaker: BreakerSettings = BreakerSettings()
    taxonomy: TaxonomySettings = TaxonomySettings()
    decisions: DecisionSettings = DecisionSettings()
    dry_run: DryRunSettings = DryRunSettings()

    @classmethod
    def load(cls, path: Path | None) -> "Settings":
        """Read a TOML file with one table a section; None gives the defaults.

        Raises InvalidInputError CONFIG_INVALID for an unreadable file, an unknown key, a value of another type
        or out of range.
        """
        if path is None:
            return cls()
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidInputError("CONFIG_INVALID", f"{path}: {error}", path=path) from error
        unknown = set(tables) - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise InvalidInputError("CONFIG_INVALID", f"{path}: unknown section {min(unknown)!r}", path=path)
        kinds: dict[str, type[Any]] = {
            "limits": Limits,
            "workers": WorkerSettings,
            "server": ServerSettings,
            "index": IndexSettings,
            "hints": HintSettings,
            "vaccination": VaccinationSettings,
            "recent": RecentSettings,
            "tls": TlsSettings,
            "rates": RateSettings,
            "events": EventSettings,
            "breaker": BreakerSettings,
            "taxonomy": TaxonomySettings,
            "decisions": DecisionSettings,
            "dry_run": DryRunSettings,
        }
        return cls(**{name: _section(kinds[name], table, path) for name, table in tables.items()})


def _section(kind: type[Any], table: Any, path: Path) -> Any:
    """One frozen dataclass from one TOML table, every key known and of its default's type."""
    if not isinstance(table, dict):
        raise InvalidInputError("CONFIG_INVALID", f"{path}: {kind.__name__} must be a table", path=path)
    defaults: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in defaults:
            raise InvalidInputError("CONFIG_INVALID", f"{path}: unknown setting {key!r}", path=path, setting=key)
        wanted = type(defaults[key])
        values[key] = _pairs(key, value, path) if wanted is tuple else _checked(wanted, key, value, path)
    return kind(**values)


def _checked(wanted: type[Any], key: str, value: Any, path: Path) -> Any:
    """A value of its default's type, and in range."""
    # In Python a bool is an int, but in a configuration it is a mistake where a number belongs.
    if isinstance(value, bool) is not (wanted is bool) or not isinstance(
        value, (int, float) if wanted is float else wanted
    ):
        raise InvalidInputError("CONFIG_INVALID", f"{path}: {key} must be {wanted.__name__}", path=path, setting=key)
    # No bound may be switched off by a value that nothing exceeds, and hardly a count is useful at 0.
    least = 1 if wanted is int and key not in _MAY_BE_NONE else 0
    if wanted in (int, float) and not (math.isfinite(value) and least <= value < 1 << 63):
        raise InvalidInputError("CONFIG_INVALID", f"{path}: {key} is out of range", path=path, setting=key)
    return wanted(value)


def _pairs(key: str, table: Any, path: Path) -> tuple[tuple[str, str], ...]:
    """A table of texts by their names, in its order."""
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise InvalidInputError("CONFIG_INVALID", f"{path}: {key} must be a table of texts", path=path, setting=key)
    return tuple(table.items())
