"""hashsvc from end to end: references confirmed, copies matched as uploads are, and what was found kept for a rerun."""

import concurrent.futures
import dataclasses
import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import hashsvc
import hashsvc_index
from benchmarks.corpus import Video
from benchmarks.robustness.journal import Found, Journal, Outcome
from benchmarks.robustness.progress import told
from benchmarks.robustness.stretch import Stretch
from hashsvc.bank.model import Policy
from hashsvc.config import BreakerSettings, Settings
from hashsvc.errors import HashsvcError
from hashsvc.fingerprint.model import Digests
from hashsvc.fingerprint.reading import Reading
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.match.model import MatchResult
from hashsvc.match.verdict import combined
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index import compilation

_CODE = Path(hashsvc.__file__).parent
_INDEX = Path(hashsvc_index.__file__).parent
REPORTED = -1.0
"""Evidence from which on matches are reported here."""
_HASHING = (_CODE / "config.py", _CODE / "media", _CODE / "fingerprint")
_MATCHING = (*_HASHING, _CODE / "service", _CODE / "bank", _CODE / "match", _INDEX)
"""What decides the hashes of a reference, and what is found: files and folders of the code that runs."""


def measure(
    work: Path, references: Sequence[Video], queries: Sequence[Path], about: str
) -> tuple[dict[str, Outcome], list[str]]:
    """Outcomes by name of the file, and a sentence for each query that could not be judged.

    What `work` has of the same references and the same code is taken from there. A query that is a reference itself is
    matched without its digests, which would end the search at itself.
    """
    work.mkdir(parents=True, exist_ok=True)
    names = [f"{video.path.name} {video.path.stat().st_size}" for video in references]
    journal = Journal(work / f"outcomes-{_digest(_MATCHING, names)}.jsonl")
    known = journal.read()
    left = [path for path in queries if path.name not in known]
    if not left:
        return {path.name: known[path.name] for path in queries}, []
    # Hundreds of copies of one entry in half an hour are what the breaker is for, and here they are the point.
    settings = Settings(breaker=BreakerSettings(enabled=False))
    failures: list[str] = []
    own = {video.path for video in references}
    data = work / f"data-{_digest(_HASHING, names)}"
    # As a server does.
    compilation.load_all()
    with Service.open(data, settings) as service, Sandbox(settings) as sandbox, journal:
        failures += confirm(service, references, settings.workers.workers, about)
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


def confirm(service: Service, videos: Sequence[Video], threads: int, about: str) -> list[str]:
    """Return when all can be found: a sentence for each that cannot be confirmed. One that is there stays as it is."""
    # Reported from here on, so that a bar under the default one can be looked for; what counts as found does not change.
    service.update_bank(DEFAULT_BANK, policy=Policy(review_evidence=REPORTED))
    there = {entry.external_id for entry in service.list_entries(DEFAULT_BANK, page_size=1000).items}
    failures: list[str] = []
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        tasks = [
            (video, pool.submit(service.confirm_media, DEFAULT_BANK, video.path, external_id=video.name))
            for video in videos
            if video.name not in there
        ]
        for video, task in told(tasks, f"confirm {about}"):
            try:
                task.result()
            except HashsvcError as error:
                failures.append(f"{video.path.name} could not be confirmed: {error.reason}, {error.message}")
    while service.searched_revision < service.revision:
        time.sleep(0.05)
    return failures


def _judged(journal: Journal, service: Service, path: Path, sandbox: Sandbox | None) -> Outcome:
    """With a sandbox by hashes alone, else as the service judges any upload."""
    began = time.perf_counter()
    result = service.match_media(path) if sandbox is None else _by_hashes(service, path, sandbox)
    outcome = Outcome(
        query=path.name,
        verdict=str(result.verdict),
        seconds=round(time.perf_counter() - began, 3),
        matches=tuple(_found(result)),
    )
    journal.write(outcome)
    return outcome


def _by_hashes(service: Service, path: Path, sandbox: Sandbox) -> MatchResult:
    """As `Service.match_media`, but for the digests."""

    def read(reading: Reading) -> MatchResult:
        return service.match(dataclasses.replace(sandbox.fingerprint(path, reading), digests=Digests()))

    quick = read(Reading.QUICK)
    return combined(quick, read(Reading.DEEP)) if quick.deepen else quick


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


def _digest(places: Sequence[Path], names: Sequence[str]) -> str:
    """Of the code in these places and of these names, hex; the same wherever the code lies."""
    hashed = hashlib.sha256("\n".join(names).encode())
    for place in places:
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            hashed.update(f"\n{file.relative_to(place.parent)}\n".encode() + file.read_bytes())
    return hashed.hexdigest()[:16]
