"""The table of recipes as a picture."""

import importlib.util
from pathlib import Path

from benchmarks.robustness import tables
from benchmarks.robustness.tables import Results


def available() -> bool:
    """True when the dependency group `bench` is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(path: Path, results: Results) -> None:
    """A heat map of recall at zero false positives, recipe and strength by system; raises OSError, ImportError."""
    from matplotlib.figure import Figure  # belongs to a group of its own

    parts = list(tables.parts(results.main))
    systems = results.systems
    values = [[system.recall(part) or 0.0 for system in systems] for _, _, part in parts]
    names = [f"{recipe} {strength}".strip() for recipe, strength, _ in parts]
    figure = Figure(figsize=(2.6 + 1.1 * len(systems), 1.2 + 0.19 * len(parts)), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(values, cmap="RdYlGn", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(systems)), [system.name for system in systems], fontsize=8)
    axes.set_yticks(range(len(parts)), names, fontsize=6)
    axes.xaxis.tick_top()
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            ink = "black" if 0.15 < value < 0.85 else "white"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color=ink)
    axes.set_title(f"Recall at zero false positives, {len(results.main)} copies of {results.length:g} s", fontsize=8)
    figure.colorbar(image, shrink=0.4).ax.tick_params(labelsize=6)
    figure.savefig(path)
