"""Bars on stderr, where there is somebody to see them."""

import sys
from collections.abc import Collection, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def told(items: Collection[Item], what: str) -> Iterator[Item]:
    """The items, with a bar; where stderr is no terminal, one line says how many there are."""
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        console.print(f"{what}: {len(items)}")
    yield from track(items, what, total=len(items), console=console, disable=not console.is_terminal)
