"""hashsvc from end to end: references confirmed, copies matched as uploads are, and what was found kept for a rerun."""

import concurrent.futures
import contextlib
import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from benchmarks.corpus import Video
from benchmarks.robustness.progress import told
from benchmarks.robustness.stretch import Stretch
from hashsvc.config import Settings
from hashsvc.errors import HashsvcError
from hashsvc.fingerprint.model import Digests
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.match.model import MatchResult
from hashsvc.service import DEFAULT_BANK, Service

_ROOT = Path(__file__).resolve().parents[2]
_HASHING = ("hashsvc/config.py", "hashsvc/media", "hashsvc/fingerprint")
_MATCHING = (*_HASHING, "hashsvc/service.py", "hashsvc/match", "index/hashsvc_index")
"""What decides the hashes of a reference, and what is found."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One match."""

    reference: str
    """Name of the video."""
    evidence: float
    verdict: str
    query_coverage: float
    stretches: tuple[Stretch, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One file, judged as an upload."""

    query: str
    """The file's name."""
    verdict: str
    seconds: float
    """From the file to the verdict, while others are judged beside it."""
    matches: tuple[Found, ...]

    @classmethod
    def of(cls, record: dict[str, Any]) -> Self:
        """From a line of the file of outcomes; raises KeyError or TypeError for another's."""
        found = [
            Found(**(one | {"stretches": tuple(Stretch(*stretch) for stretch in one["stretches"])}))
            for one in record.pop("matches")
        ]
        return cls(**record, matches=tuple(found))


def measure(
    work: Path, references: Sequence[Video], queries: Sequence[Path], about: str
) -> tuple[dict[str, Outcome], list[str]]:
    """Outcomes by name of the file, and a sentence for each query that could not be judged.

    What `work` has of the same references and the same code is taken from there. A query that is a reference itself is
    matched without its digests, which would end the search at itself.
    """
    work.mkdir(parents=True, exist_ok=True)
    names = [f"{video.path.name} {video.path.stat().st_size}" for video in references]
    journal = _Journal(work / f"outcomes-{_digest(_MATCHING, names)}.jsonl")
    known = journal.read()
    left = [path for path in queries if path.name not in known]
    if not left:
        return {path.name: known[path.name] for path in queries}, []
    settings = Settings()
    failures: list[str] = []
    own = {video.path for video in references}
    data = work / f"data-{_digest(_HASHING, names)}"
    with Service.open(data, settings) as service, Sandbox(settings) as sandbox, journal:
        confirm(service, references, settings.workers.workers, about)
        with concurrent.futures.ThreadPoolExecutor(settings.workers.workers) as pool:
            tasks = [
                (path, pool.submit(_judged, journal, service, path, sandbox if path in own else None)) for path in left
            ]
            for path, task in told(tasks, f"match {about}"):
                try:
                    known[path.name] = task.result()
                except HashsvcError as error:
                    failures.append(f"{path.name} could not be judged: {error.reason}, {error.message}")
    return {path.name: known[path.name] for path in queries if path.name in known}, failures


def confirm(service: Service, videos: Sequence[Video], threads: int, about: str) -> None:
    """Safe to repeat: an entry that is there stays, and is not hashed again. Raises what `confirm_media` does."""
    there = {entry.external_id for entry in service.list_entries(DEFAULT_BANK, page_size=1000).items}
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        tasks = [
            pool.submit(service.confirm_media, DEFAULT_BANK, video.path, external_id=video.name)
            for video in videos
            if video.name not in there
        ]
        for task in told(tasks, f"confirm {about}"):
            task.result()
    while service.searched_revision < service.revision:
        time.sleep(0.05)


def _judged(journal: "_Journal", service: Service, path: Path, sandbox: Sandbox | None) -> Outcome:
    """With a sandbox by hashes alone, else as the service judges any upload."""
    began = time.perf_counter()
    if sandbox is None:
        result = service.match_media(path)
    else:
        result = service.match(dataclasses.replace(sandbox.fingerprint(path, dense=False), digests=Digests()))
    outcome = Outcome(
        query=path.name,
        verdict=str(result.verdict),
        seconds=round(time.perf_counter() - began, 3),
        matches=tuple(_found(result)),
    )
    journal.write(outcome)
    return outcome


def _found(result: MatchResult) -> Iterator[Found]:
    for match in result.matches:
        yield Found(
            reference=match.external_id,
            evidence=match.evidence,
            verdict=str(match.verdict),
            query_coverage=match.query_coverage,
            stretches=tuple(
                Stretch(one.query_start, one.query_end, one.reference_start, one.reference_end)
                for one in match.segments
            ),
        )


def _digest(places: Sequence[str], names: Sequence[str]) -> str:
    """Of the code in these places and of these names, hex."""
    hashed = hashlib.sha256("\n".join(names).encode())
    for place in places:
        files = [_ROOT / place] if place.endswith(".py") else sorted((_ROOT / place).rglob("*.py"))
        for file in files:
            hashed.update(f"\n{file.relative_to(_ROOT)}\n".encode() + file.read_bytes())
    return hashed.hexdigest()[:16]


class _Journal:
    """Outcomes, one JSON object a line, each on its way to the disk when `write` returns. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def read(self) -> dict[str, Outcome]:
        """By name of the query; a line that a kill cut short is left out."""
        known: dict[str, Outcome] = {}
        for line in self._path.read_text().splitlines() if self._path.exists() else []:
            with contextlib.suppress(json.JSONDecodeError):
                outcome = Outcome.of(json.loads(line))
                known[outcome.query] = outcome
        return known

    def write(self, outcome: Outcome) -> None:
        line = json.dumps(dataclasses.asdict(outcome))
        with self._lock:
            self._file.write(f"{line}\n")
            self._file.flush()

    def __enter__(self) -> Self:
        self._file = self._path.open("a")
        if self._file.tell():
            self._file.write("\n")  # the last line may have been cut short
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
