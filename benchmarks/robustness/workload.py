"""The workload's options and report."""

import argparse
import tempfile
from pathlib import Path

from benchmarks.report import Report
from benchmarks.robustness import run as robustness
from benchmarks.robustness.recipes import PLAIN

RECALL, BORDERS = 0.98, 0.98
"""Shares required of plain copies: found, and with every border within a second."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--recipes", default="plain", help="plain, all, or names with commas (default: %(default)s)")
    parser.add_argument("--length", type=float, default=10.0, help="seconds of each cut (default: %(default)s)")
    parser.add_argument("--cuts", type=int, default=1, help="cuts of each video (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=0, help="use about so many videos only; 0 is all")
    parser.add_argument("--seed", type=int, default=1, help="where the cuts begin (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="keep the copies and the data directory here, and use what is there")
    parser.add_argument("--outcomes", type=Path, help="write one JSON object a copy here")


def run(options: argparse.Namespace) -> Report:
    """Copy, confirm, match, count."""
    names = {"plain": PLAIN, "all": ()}.get(options.recipes, tuple(options.recipes.split(",")))
    recipes = robustness.chosen(names)
    if not recipes:
        raise SystemExit(f"no recipe is called {options.recipes}")
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        outcomes = robustness.run(work, recipes, options.length, options.cuts, options.seed, options.limit)
    if options.outcomes:
        robustness.save(options.outcomes, outcomes)
    plain = [one for one in outcomes if one.recipe in PLAIN]
    borders = [one.border for one in plain if one.border >= 0]
    shortfalls = [
        f"{one.source} as {one.recipe} ({one.strength}) is said to match {one.wrong_entry}."
        for one in outcomes
        if one.wrong < 0
    ]
    if plain and sum(one.hit for one in plain) < RECALL * len(plain):
        shortfalls.append(
            f"{sum(one.hit for one in plain)} of {len(plain)} plain copies are found, under {RECALL:.0%}."
        )
    if borders and sum(one <= 1 for one in borders) < BORDERS * len(borders):
        shortfalls.append(
            f"{sum(one > 1 for one in borders)} of {len(borders)} plain copies have a border off by over 1 s."
        )
    figures = {
        "copies": len(outcomes),
        "plain copies": len(plain),
        "plain copies found": sum(one.hit for one in plain),
        "plain copies with all borders within 1 s": f"{sum(one <= 1 for one in borders)} of {len(borders)}",
        "copies with a wrong match": sum(one.wrong < 0 for one in outcomes),
    }
    tables = {"Recipes": robustness.table(outcomes)}
    return Report(name="robustness", figures=figures, tables=tables, shortfalls=shortfalls)
