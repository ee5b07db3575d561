"""Which copies a run makes of which videos, and making them."""

import concurrent.futures
import dataclasses
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.corpus import Video
from benchmarks.robustness import copies
from benchmarks.robustness.copies import Copy, Order, Source
from benchmarks.robustness.progress import told
from benchmarks.robustness.recipes import RECIPES, Recipe

LEAST = 8.0
"""Seconds that a video must have to be a reference."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The references, and where copies of them are cut."""

    references: list[Video]
    """What is confirmed and copied."""
    footage: list[Source]
    """What other footage is taken from: the references, and those that a limit leaves out."""
    cuts: int
    """Cuts of each reference."""
    seed: int

    def orders(self, recipes: Sequence[Recipe], length: float, *, whole: bool = False) -> Iterator[Order]:
        """Copies of cuts of `length` seconds; of shorter references nearly all, or with `whole` none.

        Where a cut begins depends on the seed, the reference and the length alone.
        """
        names = {video.name for video in self.references}
        for place, one in enumerate(self.footage):
            if one.name not in names or (whole and one.clip.duration < length):
                continue
            dice = random.Random(f"{self.seed} {one.name}")
            for _ in range(self.cuts):
                span = min(length, one.clip.duration - 0.2)
                start = round(dice.uniform(0, one.clip.duration - span - 0.1), 1)
                other = self.footage[(place + 1 + dice.randrange(max(1, len(self.footage) - 1))) % len(self.footage)]
                for recipe in recipes:
                    yield Order(source=one, other=other, recipe=recipe, start=start, length=span, asked=length)


def plan(videos: Sequence[Video], *, cuts: int, seed: int, limit: int) -> Plan:
    """References are the videos of no group that are long enough; `limit` other than 0 takes about so many of them."""
    chosen = [video for video in videos if video.alone and video.duration >= LEAST]
    return Plan(
        references=chosen[:: max(1, len(chosen) // limit)][:limit] if limit else chosen,
        footage=[copies.source(video.path, video.name) for video in chosen],
        cuts=cuts,
        seed=seed,
    )


def make(folder: Path, orders: Sequence[Order], jobs: int) -> tuple[list[Copy], list[str]]:
    """Copies, each once, made by `jobs` threads; and a sentence for each that could not be made."""
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, Copy] = {}
    failures: list[str] = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        tasks = [(order, pool.submit(copies.make, folder, order)) for order in orders]
        for order, task in told(tasks, "make copies"):
            try:
                copy = task.result()
                made[copy.name] = copy
            except subprocess.SubprocessError as error:
                failures.append(f"{order.source.name} as {order.recipe.key} could not be made: {_why(error)}")
    return list(made.values()), failures


def chosen(names: Sequence[str]) -> list[Recipe]:
    """Recipes by name, or by name and strength; none: all. Raises ValueError for a name that none has."""
    if unknown := [name for name in names if not any(name in (recipe.name, recipe.key) for recipe in RECIPES)]:
        raise ValueError(f"no recipe is called {', '.join(unknown)}")
    return [recipe for recipe in RECIPES if not names or recipe.name in names or recipe.key in names]


def _why(error: subprocess.SubprocessError) -> str:
    complaint: bytes = getattr(error, "stderr", None) or b""
    return complaint.decode(errors="replace").strip()[-300:] or str(error)
