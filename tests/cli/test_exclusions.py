"""Exclusions from end to end: a video of a harmless part and an attack, confirmed and matched by commands."""

import itertools
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hashsvc.demo import edits, video
from hashsvc.demo.place import Picture
from hashsvc.demo.video import Clip, Encoding
from tests.cli.conftest import Invoke, objects

SIZE = (320, 180)
RATE = Fraction(12)
HARMLESS, ATTACK = 8.0, 8.0
"""Seconds of each part, in this order."""


def copy(path: Path, frames: Iterable[Picture]) -> Path:
    """A small copy in other bytes."""
    video.write(path, edits.resize(240, 136)(Clip(frames=frames, rate=RATE)), Encoding(crf=30))
    return path


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The original, copies of each part of it and of the whole, and a mirrored copy of the harmless part."""
    folder = tmp_path_factory.mktemp("films")
    parts = [list(video.make(seed, seconds=8.0, size=SIZE, rate=RATE).frames) for seed in (41, 42)]
    original = folder / "attack.mp4"
    video.write(original, Clip(frames=itertools.chain(*parts), rate=RATE))
    mirrored = folder / "mirrored.mp4"
    video.write(mirrored, edits.mirror(Clip(frames=parts[0], rate=RATE)))
    return {
        "original": original,
        "harmless": copy(folder / "harmless.mp4", parts[0]),
        "attack": copy(folder / "attack-only.mp4", parts[1]),
        "whole": copy(folder / "whole.mp4", itertools.chain(*parts)),
        "mirrored": mirrored,
    }


def test_exclusions(invoke: Invoke, films: dict[str, Path], tmp_path: Path) -> None:
    """The harmless part is ALLOW with the reason, the attack BLOCK, of both only the attack counts; all as it is set now."""
    at = ("--data", tmp_path / "data", "--format", "json")

    def match(*names: str) -> list[dict[str, Any]]:
        return objects(invoke("match", *at, *(films[name] for name in names)))

    confirm = ("confirm", *at, "--exclude", f"0-{HARMLESS}", films["original"])
    (entry,) = objects(invoke(*confirm))
    (shown,) = objects(invoke("entry", "show", *at, entry["entry"]))
    assert shown["exclusions"] == [{"start": 0.0, "end": HARMLESS}]

    *harmless, attack, whole, same = match("harmless", "mirrored", "attack", "whole", "original")
    for allowed in harmless:
        assert (allowed["verdict"], allowed["matches"]) == ("ALLOW", [])
        [excused] = allowed["excused"]
        assert (excused["entry"], excused["reason"]) == (entry["entry"], "excluded part of the entry")
        assert excused["seconds"] == pytest.approx(HARMLESS, abs=0.6)
    assert (attack["verdict"], attack["excused"]) == ("BLOCK", [])
    assert attack["matches"][0]["query_coverage"] > 0.9
    [found] = whole["matches"]
    assert found["query_coverage"] == pytest.approx(ATTACK / (HARMLESS + ATTACK), abs=0.05)
    assert found["reference_coverage"] == pytest.approx(ATTACK / (HARMLESS + ATTACK), abs=0.05)
    assert all(segment["reference_start"] >= HARMLESS for segment in found["segments"])
    assert (same["verdict"], same["matches"][0]["query_coverage"]) == ("BLOCK", 1.0)

    again = invoke("confirm", *at, films["original"])
    assert objects(again)[0]["error"]["reason"] == "ENTRY_EXISTS"
    past = invoke("entry", "exclude", *at, entry["entry"], "0-16.5")
    assert past.exit_code == 2 and "16.000 s (FIELD_INVALID)" in past.stderr
    assert invoke("entry", "exclude", *at, "--none", entry["entry"]).exit_code == 0
    (blocked,) = match("harmless")
    assert blocked["verdict"] == "BLOCK"
