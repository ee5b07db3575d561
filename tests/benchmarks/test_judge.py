"""Which pairs are positives and negatives, and what a system's scores come to."""

from pathlib import Path

import pytest

from benchmarks.corpus import Video
from benchmarks.robustness.copies import Copy
from benchmarks.robustness.journal import Found, Outcome
from benchmarks.robustness.judge import System, Truth
from benchmarks.robustness.segments import exactness, place
from benchmarks.robustness.stretch import Stretch


def video(name: str, group: str = "", scene: str = "") -> Video:
    return Video(path=Path(f"{name}.mp4"), name=name, duration=20.0, group=group or f"{name}.mp4", scene=scene)


def copy(source: str, recipe: str, other: str = "") -> Copy:
    """Ten seconds from second five."""
    return Copy(
        path=Path(f"{source}--{recipe}.mp4"),
        source=source,
        other=other,
        recipe=recipe,
        strength="mild",
        asked=10.0,
        length=10.0,
        stretches=(Stretch(0.0, 10.0, 5.0, 15.0),),
    )


A, B, C = video("a", scene="table"), video("b", scene="table"), video("c")
TWIN = (video("d", group="twins", scene="table"), video("e", group="twins"))
MIRROR, INSET, LOGO = copy("a", "mirror"), copy("a", "inset", other="b"), copy("b", "logo")
TRUTH = Truth(references=[A, B, C], clips=[A, B, C, *TWIN], copies=[MIRROR, INSET, LOGO])


def system(**scores: float) -> System:
    """Names such as `a_mirror__b`: the query, a copy or a clip, and the reference."""
    pairs = {name.partition("__")[::2]: score for name, score in scores.items()}
    named = {(f"{query.replace('_', '--')}.mp4", reference): score for (query, reference), score in pairs.items()}
    return System(name="s", about="", default=0.5, scores=named, truth=TRUTH)


def test_wrong_pairs_share_no_footage() -> None:
    """Neither a clip with itself, nor a copy with its source or with what else it shows."""
    assert {reference for query, reference in TRUTH.wrong if query == MIRROR.name} == {"b", "c"}
    assert {reference for query, reference in TRUTH.wrong if query == INSET.name} == {"c"}
    assert {reference for query, reference in TRUTH.wrong if query == "a.mp4"} == {"b", "c"}
    assert {reference for query, reference in TRUTH.wrong if query == "d.mp4"} == {"a", "b", "c"}


def test_pairs_of_one_scene() -> None:
    """Those of the wrong pairs that look alike."""
    alike = {("a.mp4", "b"), ("b.mp4", "a"), ("d.mp4", "a"), ("d.mp4", "b"), (MIRROR.name, "b"), (LOGO.name, "a")}
    assert TRUTH.alike == alike


def test_a_wrong_match_raises_the_threshold() -> None:
    """One false positive takes the copies along that score no more than it does."""
    scored = system(a_mirror__a=0.9, a_inset__a=0.7, b_logo__b=0.6, d__c=0.7)
    assert scored.highest_wrong == 0.7
    assert scored.recall(TRUTH.copies) == pytest.approx(1 / 3)
    assert scored.default_recall(TRUTH.copies) == 1.0
    assert scored.false == {("d.mp4", "c")}


def test_what_is_neither_right_nor_wrong_changes_nothing() -> None:
    """A clip finds itself, and a copy the other footage in it."""
    scored = system(a_mirror__a=0.6, a_inset__a=0.6, b_logo__b=0.4, a__a=9.0, a_inset__b=9.0)
    assert scored.recall(TRUTH.copies) == 1.0
    assert scored.default_recall(TRUTH.copies) == pytest.approx(2 / 3)
    assert scored.micro_average_precision(TRUTH.copies) == 1.0
    assert not scored.false


def test_micro_average_precision_of_some_copies() -> None:
    """Wrong pairs of the clips count, those of other copies do not."""
    scored = system(a_mirror__a=0.6, b_logo__a=0.9, c__a=0.7)
    assert scored.micro_average_precision([MIRROR]) == pytest.approx(1 / 2)
    assert scored.micro_average_precision(TRUTH.copies) == pytest.approx(1 / 3 / 3)


def outcome(query: Copy, *stretches: Stretch) -> Outcome:
    found = Found(reference=query.source, evidence=-9.0, verdict="BLOCK", query_coverage=1.0, stretches=stretches)
    return Outcome(query=query.name, verdict="BLOCK", seconds=1.0, matches=(found,) if stretches else ())


def test_exactness_of_several_copies() -> None:
    """A copy that is missed lowers the recall, and has no say in precision and borders."""
    outcomes = {
        MIRROR.name: outcome(MIRROR, Stretch(0.0, 10.0, 5.0, 15.0)),
        INSET.name: outcome(INSET, Stretch(0.0, 5.0, 5.0, 10.0)),
        LOGO.name: outcome(LOGO),
    }
    measured = exactness(place(TRUTH.copies, outcomes))
    assert measured.precision == 1.0
    assert measured.recall == pytest.approx((1.0 + 0.25 + 0.0) / 3)
    assert measured.within == 0.5
    assert exactness(place(TRUTH.copies, {})).recall == 0.0
