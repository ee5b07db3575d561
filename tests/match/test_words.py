"""A match in words."""

import dataclasses

import pytest

from hashsvc.bank.model import Verdict
from hashsvc.fingerprint.deep import EXTRA, WINDOWS
from hashsvc.fingerprint.profiles import PROFILES
from hashsvc.match import words
from hashsvc.match.model import ALLOWED, EXCLUDED, Excused, Match, MatchResult, Segment


def a_match(*views_and_speeds: tuple[str, float], digest: str = "") -> Match:
    """Consecutive segments of 5 s, covering half of the upload together."""
    segments = tuple(
        Segment(
            query_start=5.0 * place,
            query_end=5.0 * place + 5,
            reference_start=0,
            reference_end=5 * speed,
            speed=speed,
            view=view,
            mean_distance=8,
        )
        for place, (view, speed) in enumerate(views_and_speeds)
    )
    return Match(
        bank="b",
        entry="e",
        external_id="x",
        evidence=-9,
        query_coverage=0.5,
        reference_coverage=0.5,
        mean_distance=8,
        verdict=Verdict.BLOCK,
        segments=segments,
        digest=digest,
    )


def test_plain_copy() -> None:
    """Nothing but how much, when nothing was changed."""
    assert words.why(a_match(("full/full", 1.01))) == "5.0 s of 10.0 s (50 %)"


def test_changes_are_named_once() -> None:
    """Two segments of one view and speed name each once."""
    said = words.why(a_match(("full/mirror", 1.5), ("full/mirror", 1.5)))
    assert said == "10.0 s of 20.0 s (50 %), seen mirrored, 1.5x speed"


def test_a_tripped_breaker_is_said() -> None:
    """Why a plain copy goes to review and is not blocked."""
    held = dataclasses.replace(a_match(("full/full", 1.0)), breaker="default/e1")
    assert words.why(held) == "5.0 s of 10.0 s (50 %); would be BLOCK, but its breaker has tripped"


def test_equal_bytes() -> None:
    """An exact digest needs no intervals."""
    assert words.why(a_match(digest="sha256")) == "the same bytes (SHA-256)"


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ("full/centre-80", "seen cropped to its middle 80 %"),
        ("full/centre-90-mirror", "seen mirrored and cropped to its middle 90 %"),
        ("area/full", "seen inside a border"),
        ("area/mirror", "seen mirrored and inside a border"),
        ("top-72/top-72", "by the upper part of the picture"),
        ("full/half-turn", "seen turned upside down"),
        ("mirror/top-left-82", "seen cropped to its top left 82 % and mirrored"),
        ("mirror/mirror", ""),
        ("left-half/full", "seen in the left half of the picture"),
        ("leaning-left-10/full", "seen filmed off a screen from the left"),
        ("busy/full", "seen as the moving part of a screen"),
    ],
)
def test_views(view: str, said: str) -> None:
    """Each kind of view has words."""
    assert words.view_in_words(view) == said


def test_every_view_of_every_profile_has_words() -> None:
    """No view of a released profile is shown by its bare name."""
    for profile in PROFILES.values():
        for view in profile.reference_views[1:]:
            assert words.view_in_words(f"full/{view.name}") != f"seen {view.name}"
        for view in profile.query_views[1:]:
            assert words.view_in_words(f"{view.name}/full") != f"seen {view.name}"
    for view in (*WINDOWS, *EXTRA):
        assert words.view_in_words(f"{view.name}/full") != f"seen {view.name}"


def test_strongest() -> None:
    """An upload is summed up by its first match and the number of the others."""
    match = a_match(("full/full", 1.0))
    assert words.strongest(MatchResult(verdict=Verdict.ALLOW, revision=1)) == "nothing known in it"
    result = MatchResult(verdict=Verdict.BLOCK, revision=1, matches=(match, match))
    assert words.strongest(result).endswith("(and 1 more)")


def test_an_excuse() -> None:
    """Where nothing but harmless parts was found that is said, by the caller's name for the video or by the entry's."""
    excused = Excused(bank="b", entry="e", external_id="attack.mp4", reason=EXCLUDED, seconds=12.04)
    assert words.excuse(excused) == "only harmless parts of attack.mp4 (12.0 s)"
    assert words.excuse(dataclasses.replace(excused, external_id="")) == "only harmless parts of e (12.0 s)"
    result = MatchResult(verdict=Verdict.ALLOW, revision=1, excused=(excused,))
    assert words.strongest(result) == words.excuse(excused)


def test_what_decided() -> None:
    """A rule is told, a threshold is not, and both in what a rule allows."""
    rule = "rule 1: allow if label=film"
    match = a_match(("full/full", 1.0))
    assert words.why(dataclasses.replace(match, reason=rule)) == f"5.0 s of 10.0 s (50 %); {rule}"
    assert words.why(dataclasses.replace(match, reason="threshold: review")) == "5.0 s of 10.0 s (50 %)"
    excused = Excused(bank="b", entry="e", external_id="x", reason=rule, seconds=4.0)
    assert words.excuse(excused) == f"x (4.0 s), but {rule}"


def test_what_an_allow_bank_explains() -> None:
    """Both entries are named, by the callers' names or by their own."""
    excused = Excused(
        bank="b", entry="e", external_id="attack", reason=ALLOWED, seconds=4.0, by_bank="films", by_entry="f"
    )
    assert words.excuse(excused) == "attack (4.0 s), but f of the allow bank films explains that as well"
    named = dataclasses.replace(excused, by_external_id="training 7")
    assert words.excuse(named) == "attack (4.0 s), but training 7 of the allow bank films explains that as well"


def test_what_is_only_observed() -> None:
    """It says what it would be."""
    match = dataclasses.replace(a_match(("full/full", 1.0)), verdict=Verdict.ALLOW, observed=Verdict.BLOCK)
    assert words.why(match) == "5.0 s of 10.0 s (50 %); only observed, would be BLOCK"


def test_evidence() -> None:
    """-12 is one in a million million."""
    assert words.evidence_in_words(-12.2) == "chance 1 in 10^12"


def test_added_view_in_words() -> None:
    """A view that vaccination added is told by its edit."""
    assert words.view_in_words("full/edit-refilmed") == "seen filmed off a screen"
