"""Confirms references, matches edited copies of them, and tells what was found. Copies that are there stay."""

import concurrent.futures
import dataclasses
import json
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks import corpus
from benchmarks.robustness import copies
from benchmarks.robustness.recipes import RECIPES, Recipe
from hashsvc.config import Settings
from hashsvc.match.model import Match, MatchResult
from hashsvc.service import DEFAULT_BANK, Service


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One copy, judged."""

    recipe: str
    strength: str
    source: str
    length: float
    verdict: str
    evidence: float
    """Of the match with the source; 0 when there was none."""
    wrong: float
    """Strongest evidence of a match with anything that shares no footage; 0 when there was none."""
    wrong_entry: str
    border: float
    """Largest error of the segment's four borders, seconds; -1 where there is no one right answer."""
    query_coverage: float

    @property
    def hit(self) -> bool:
        return self.evidence < 0


def plan(
    work: Path, recipes: Sequence[Recipe], length: float, cuts: int, seed: int, limit: int = 0
) -> tuple[list[corpus.Video], Iterator[copies.Copy]]:
    """The references, and the copies of them as they are made."""
    videos = corpus.read()
    chosen = [video for video in corpus.references(videos) if video.duration >= min(length, 8.0)]
    if limit:
        chosen = chosen[:: max(1, len(chosen) // limit)]
    sources = [copies.source(video.path) for video in chosen]
    work.mkdir(parents=True, exist_ok=True)

    def made() -> Iterator[copies.Copy]:
        for place, one in enumerate(sources):
            dice = random.Random(f"{seed} {one.name}")
            for _ in range(cuts):
                span = min(length, one.clip.duration - 0.2)
                start = round(dice.uniform(0, one.clip.duration - span - 0.1), 1)
                other = sources[(place + 1 + dice.randrange(len(sources) - 1)) % len(sources)]
                for recipe in recipes:
                    try:
                        yield copies.make(work, one, other, recipe, start, span)
                    except subprocess.CalledProcessError as error:
                        print(f"{one.name} {recipe.key}: {error.stderr.decode()[-200:]}")

    return corpus.references(videos), made()


def run(work: Path, recipes: Sequence[Recipe], length: float, cuts: int, seed: int, limit: int) -> list[Outcome]:
    """Confirm every reference, match every copy."""
    settings = Settings()
    references, made = plan(work, recipes, length, cuts, seed, limit)
    groups = {video.name: video.group for video in corpus.read()}
    with Service.open(work / "data", settings) as service, concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(track(pool.map(lambda video: confirm(service, video), references), "confirm", total=len(references)))
        tasks = [pool.submit(judge, service, copy, groups) for copy in track(list(made), "copies")]
        return [task.result() for task in track(tasks, "match")]


def confirm(service: Service, video: corpus.Video) -> None:
    """Safe to repeat: an entry that is there stays."""
    service.confirm_media(DEFAULT_BANK, video.path, external_id=video.name)


def judge(service: Service, copy: copies.Copy, groups: dict[str, str]) -> Outcome:
    result = service.match_media(copy.path)
    right = {groups[copy.source]} | ({groups[copy.other]} if copy.other else set())
    own = next((one for one in result.matches if groups[one.external_id] == groups[copy.source]), None)
    wrong = min((one for one in result.matches if groups[one.external_id] not in right), key=_evidence, default=None)
    return Outcome(
        recipe=copy.recipe,
        strength=copy.strength,
        source=copy.source,
        length=copy.length,
        verdict=_verdict(result),
        evidence=own.evidence if own else 0.0,
        wrong=wrong.evidence if wrong else 0.0,
        wrong_entry=wrong.external_id if wrong else "",
        border=_border(copy, own) if own and own.external_id == copy.source and copy.located else -1.0,
        query_coverage=own.query_coverage if own else 0.0,
    )


def _evidence(match: Match) -> float:
    return match.evidence


def _verdict(result: MatchResult) -> str:
    return str(result.verdict)


def _border(copy: copies.Copy, match: Match) -> float:
    """The segments together against the one stretch that was cut."""
    query = (copy.starts, copy.starts + copy.length / copy.speed)
    reference = (copy.start, copy.start + copy.length)
    return max(
        abs(min(one.query_start for one in match.segments) - query[0]),
        abs(max(one.query_end for one in match.segments) - query[1]),
        abs(min(one.reference_start for one in match.segments) - reference[0]),
        abs(max(one.reference_end for one in match.segments) - reference[1]),
    )


def table(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """A row a recipe and strength, and one for all."""
    rows = []
    keys = list(dict.fromkeys((one.recipe, one.strength) for one in outcomes))
    for key in [*keys, ("all", "mild"), ("all", "strong"), ("all", "")]:
        part = [
            one for one in outcomes
            if (one.recipe == key[0] or key[0] == "all") and (one.strength == key[1] or not key[1])
        ]  # fmt: skip
        if not part:
            continue
        borders = sorted(one.border for one in part if one.border >= 0)
        rows.append(
            {
                "recipe": key[0],
                "strength": key[1],
                "copies": len(part),
                "recall": round(sum(one.hit for one in part) / len(part), 3),
                "blocked": round(sum(one.verdict == "BLOCK" for one in part) / len(part), 3),
                "wrong": sum(one.wrong < 0 for one in part),
                "border_p95": round(borders[int(0.95 * (len(borders) - 1))], 2) if borders else None,
                "within_1s": round(sum(one <= 1 for one in borders) / len(borders), 3) if borders else None,
            }
        )
    return rows


def chosen(names: Sequence[str]) -> list[Recipe]:
    """Recipes by name; none: all."""
    return [recipe for recipe in RECIPES if not names or recipe.name in names or recipe.key in names]


def save(path: Path, outcomes: list[Outcome]) -> None:
    """One JSON object a copy."""
    path.write_text("".join(json.dumps(dataclasses.asdict(one)) + "\n" for one in outcomes))
