"""What was found in each file, written down as soon as it is known, so that a run that ends early has not been for nothing."""

import contextlib
import dataclasses
import json
import threading
from pathlib import Path
from typing import Any, Self

from benchmarks.robustness.stretch import Stretch


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


class Journal:
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
