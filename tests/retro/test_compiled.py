"""The compiled looks at uploads give what the plain ones give."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.seeds import pick
from hashsvc.retro.lines import Lines
from hashsvc.retro.packing import Recent, Seeding, pack, seeding
from hashsvc.retro.sieve import Sieve
from tests.compiling import compile_all
from tests.match.synthetic import a_reference, an_upload
from tests.match.test_compiled import STILL

pytestmark = pytest.mark.usefixtures("plain_again")

GATE = 31
VIDEO = a_reference(1)


UPLOADS: dict[str, Callable[[], Fingerprint]] = {
    "copy": lambda: an_upload([(VIDEO, 2.0, 15.0, 1.0)], bits=50, view="mirror"),
    "faster": lambda: an_upload([(VIDEO, 0.0, 10.0, 1.5), (None, 0.0, 4.0, 1.0)], bits=60),
    "backwards": lambda: an_upload([(VIDEO, 30.0, 15.0, -1.0)], bits=40),
    "stranger": lambda: an_upload([(None, 0.0, 15.0, 1.0)]),
    "still": lambda: an_upload([(STILL, 5.0, 30.0, 1.0)], bits=20),
    "still again": lambda: an_upload([(STILL, 40.0, 30.0, 1.0)], bits=40, seed=3),
    "one picture": lambda: an_upload([(VIDEO, 5.0, 15.0, 0.0001)], bits=20),
    "a frame": lambda: an_upload([(VIDEO, 5.0, 0.5, 1.0)]),
}


def of(upload: Fingerprint) -> Seeding:
    """What a look is given of an upload."""
    return seeding(pack(Recent(content_id="a", seen_at=0, fingerprint=upload)))


Answer = TypeVar("Answer")


def both(ask: Callable[[], Answer]) -> tuple[Answer, Answer]:
    """The plain answer and the compiled one."""
    compile_all(False)
    plain = ask()
    compile_all()
    return plain, ask()


@pytest.mark.parametrize("reference", [VIDEO, STILL], ids=["moving", "still"])
def test_lines(reference: Fingerprint) -> None:
    """Of all uploads at once: evidence and median distance of each."""
    given, random = [of(make()) for make in UPLOADS.values()], np.random.default_rng(1)
    masks = [random.random(len(one.hashes)) < 0.8 for one in given]
    lines = Lines(reference, GATE)
    plain, compiled = both(lambda: lines.find(given, masks))
    assert compiled.evidence == pytest.approx(plain.evidence, abs=1e-4)
    assert compiled.distances.tolist() == plain.distances.tolist()
    assert (plain.evidence < -5).sum() > 1


@pytest.mark.parametrize("radius", [0, 76, 84])
def test_the_nearest_representative(radius: int) -> None:
    """Its distance, or that there is none in the radius."""
    rows = np.concatenate([pick(make(), GATE).hashes for make in UPLOADS.values()])
    one = Sieve(VIDEO, GATE)
    plain, compiled = both(lambda: one._nearest(rows, radius))
    assert compiled.tolist() == plain.tolist()
    assert {256} < set(plain.tolist()) or radius == 0


def test_nothing_to_look_at() -> None:
    """No uploads, and none of their hashes."""
    lines, one = Lines(VIDEO, GATE), of(UPLOADS["copy"]())
    plain, compiled = both(lambda: lines.find([one], [np.zeros(len(one.hashes), bool)]))
    assert compiled.evidence.tolist() == plain.evidence.tolist() == [0.0]
    assert lines.find([], []).evidence.tolist() == []
