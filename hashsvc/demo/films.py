"""The demo's videos: one original, edited copies of it, and videos that have nothing to do with it."""

import dataclasses
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from hashsvc.demo import video
from hashsvc.demo.edits import RECIPES, Recipe

ORIGINAL_SEED = 7
ORIGINAL_SECONDS = 20.0
UNRELATED_SEEDS = range(101, 113)
UNRELATED_SECONDS = 10.0
UNRELATED_ENCODING = video.Encoding(preset="ultrafast")
LEFT_OUT = frozenset({"letterbox", "bright", "onekey"})
"""Recipes that the demo does not need to make its point; a dozen are left."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A video file and what it is."""

    path: Path
    title: str
    """What was done to it, for people."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Films:
    """All videos of the demo."""

    original: Film
    copies: tuple[Film, ...]
    unrelated: tuple[Film, ...]

    def all(self) -> tuple[Film, ...]:
        """The original first."""
        return (self.original, *self.copies, *self.unrelated)


def planned(folder: Path) -> Films:
    """Which videos there will be in `folder`."""
    return Films(
        original=Film(path=folder / "original.mp4", title="the original"),
        copies=tuple(Film(path=folder / f"copy-{recipe.name}.mp4", title=recipe.title) for recipe in recipes()),
        unrelated=tuple(Film(path=folder / f"unrelated-{seed}.mp4", title="another video") for seed in UNRELATED_SEEDS),
    )


def recipes() -> tuple[Recipe, ...]:
    """The dozen edits that the demo shows."""
    return tuple(recipe for recipe in RECIPES if recipe.name not in LEFT_OUT)


def make(films: Films) -> Iterator[Film]:
    """Make what is not there yet, as many at once as there are cores; yields each when it is there.

    The original comes first, since the copies are made from its file, as real copies are.
    """
    films.original.path.parent.mkdir(parents=True, exist_ok=True)
    _unless_there(films.original, lambda: video.make(ORIGINAL_SEED, seconds=ORIGINAL_SECONDS), video.Encoding())
    yield films.original
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        making = {
            pool.submit(_unless_there, film, _edited(recipe, films.original.path), recipe.encoding): film
            for film, recipe in zip(films.copies, recipes(), strict=True)
        } | {
            pool.submit(_unless_there, film, _made(seed), UNRELATED_ENCODING): film
            for film, seed in zip(films.unrelated, UNRELATED_SEEDS, strict=True)
        }
        for future in as_completed(making):
            future.result()
            yield making[future]


def _edited(recipe: Recipe, original: Path) -> Callable[[], video.Clip]:
    return lambda: recipe.edit(video.read(original))


def _made(seed: int) -> Callable[[], video.Clip]:
    return lambda: video.make(seed, seconds=UNRELATED_SECONDS)


def _unless_there(film: Film, clip: Callable[[], video.Clip], encoding: video.Encoding) -> None:
    if not film.path.exists():
        video.write(film.path, clip(), encoding)
