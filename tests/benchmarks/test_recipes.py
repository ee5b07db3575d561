"""Where the footage of a clip is in a copy of it."""

import pytest

from benchmarks.robustness.recipes import RECIPES, Clip
from benchmarks.robustness.stretch import Stretch

CLIP = Clip(width=640, height=360, duration=20.0, rate=25.0)
BY_KEY = {recipe.key: recipe for recipe in RECIPES}


@pytest.mark.parametrize("key", BY_KEY)
def test_stretches_are_in_the_clip_and_in_order(key: str) -> None:
    """None begins before the one before it ends, or ends after the clip."""
    at = 0.0
    for stretch in BY_KEY[key].edit(CLIP).stretches:
        assert at <= stretch.copy_start < stretch.copy_end
        assert 0.0 <= stretch.source_start < stretch.source_end <= CLIP.duration
        at = stretch.copy_end


def test_where_the_footage_is() -> None:
    """After another opening, in the middle of other footage, in pieces, and again and again."""
    assert BY_KEY["opening-mild"].edit(CLIP).stretches == (Stretch(10.0, 30.0, 0.0, 20.0),)
    assert BY_KEY["excerpt-mild"].edit(CLIP).stretches == (Stretch(20.8, 28.8, 0.0, 8.0),)
    assert BY_KEY["reel-mild"].edit(CLIP).stretches[:2] == (Stretch(0.0, 4.0, 15.0, 19.0), Stretch(4.0, 8.0, 0.0, 4.0))
    assert BY_KEY["loop-mild"].edit(CLIP).stretches[-1] == Stretch(12.0, 18.0, 0.0, 6.0)


def test_a_reel_of_a_short_clip_ends_with_it() -> None:
    """The last piece is as long as what is left."""
    short = Clip(width=640, height=360, duration=8.0, rate=25.0)
    assert BY_KEY["reel-mild"].edit(short).stretches == (Stretch(0.0, 3.0, 5.0, 8.0), Stretch(3.0, 7.0, 0.0, 4.0))
