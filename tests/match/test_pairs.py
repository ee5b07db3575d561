"""View pairs that seeds did not name are found along a line."""

import numpy as np
import pytest

from hashsvc.fingerprint import deep
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match.comparison import Line
from hashsvc.match.pairs import log10_kinds, nominated, widened
from hashsvc.match.seeds import unseeded
from tests.match.synthetic import a_reference, an_upload

GATE = DEFAULT.quality_gate
REFERENCE = a_reference(1)


def test_full_against_full_where_nothing_was_nominated() -> None:
    """An entry that something else points at is compared as a whole first."""
    assert nominated(unseeded(1), REFERENCE, GATE) == [(0, 0)]


def test_the_pair_that_agrees_is_added() -> None:
    """Along the right line, also where every frame is 92 bits off, too far for any seed; along a wrong one it is not told."""
    mirror = REFERENCE.views.index("mirror")
    upload = an_upload([(REFERENCE, 10.0, 16.0, 1.0)], bits=92, view="mirror")
    few, many = widened(upload, REFERENCE, [(0, 0)], [Line(1.0, 10.0)], GATE)
    assert few[0] == many[0] == (0, mirror) and len(few) < len(many)
    few, _ = widened(upload, REFERENCE, [(0, 0)], [Line(1.0, 10.0), Line(0.5, 3.0)], GATE)
    assert few[0] == (0, mirror)
    assert widened(upload, REFERENCE, [(0, 0)], [], GATE) == [[(0, 0)]]


def test_a_nominated_pair_stays_where_it_holds_its_own() -> None:
    """It comes first then; one that gains nothing along any line only adds to what each frame pays."""
    mirror = REFERENCE.views.index("mirror")
    upload = an_upload([(REFERENCE, 10.0, 16.0, 1.0)], bits=40, view="mirror")
    for chosen in widened(upload, REFERENCE, [(0, mirror)], [Line(1.0, 10.0)], GATE):
        assert chosen[0] == (0, mirror) and chosen.count((0, mirror)) == 1
    for chosen in widened(upload, REFERENCE, [(0, 5), (0, mirror)], [Line(1.0, 10.0)], GATE):
        assert chosen[0] == (0, mirror)


def test_no_frame_on_the_line() -> None:
    """A line outside the reference, and frames under the gate, add nothing."""
    upload = an_upload([(REFERENCE, 10.0, 8.0, 1.0)])
    assert widened(upload, REFERENCE, [(0, 0)], [Line(1.0, 500.0)], GATE) == [[(0, 0)]]
    upload.quality[:] = np.uint8(GATE - 1)
    assert widened(upload, REFERENCE, [(0, 0)], [Line(1.0, 10.0)], GATE) == [[(0, 0)]]


def test_an_odd_kind_of_pair_pays() -> None:
    """A hundredth of the chance of error is for those, the rest for all others; they are told by the views there are."""
    named = {*DEFAULT.reference_views, *DEFAULT.query_views, *deep.WINDOWS, *deep.TURNED}
    paid = {(a.name, b.name): log10_kinds(a.name, b.name) for a in named for b in DEFAULT.reference_views}
    assert sum(10**-one for one in {*paid.values()}) == pytest.approx(1.0)
    odd = {pair for pair, one in paid.items() if one > 1}
    assert {left for left, _ in odd} == {
        "top-72", "bottom-72", "left-72", "right-72", "left-half", "right-half", "top-half", "bottom-half",
        "top-left-quarter", "top-right-quarter", "bottom-left-quarter", "bottom-right-quarter",
    }  # fmt: skip
    assert {right.rsplit("-", 1)[0] for _, right in odd} == {"top-left", "top-right", "bottom-left", "bottom-right"}
    assert len(odd) == 12 * 28
