"""The compiled steps of a comparison give what the plain ones give, to the bit."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from hashsvc.bank.model import Interval
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match import align, evidence, extend, pairs, pieces
from hashsvc.match import lines as plain_lines
from hashsvc.match.align import alignments
from hashsvc.match.comparison import Comparison, Line, compare
from hashsvc.match.evidence import Sides
from hashsvc.match.extend import find
from hashsvc.match.pairs import Pair
from hashsvc.match.score import COMPILED, novelty
from hashsvc.match.seeds import Nomination, nominate, pick
from hashsvc_index.arrays import as_words
from tests.compiling import compile_all
from tests.match.synthetic import a_reference, an_upload, flipped, nominated

pytestmark = pytest.mark.usefixtures("plain_again")

GATE = 31
LINES = (Line(1.0, 3.0), Line(-1.0, 20.0), Line(1.5, 0.0))


def still(seed: int, seconds: float) -> Fingerprint:
    """A reference of scenes in which little moves, some of them in every second of it, and some frames of poor quality."""
    random = np.random.default_rng(seed)
    made = a_reference(seed, seconds)
    scene = (np.arange(made.frames) // 23) % 4
    hashes = made.hashes[scene]
    noise = flipped(hashes.reshape(-1, 32), 9, random).reshape(hashes.shape)
    quality = np.where(random.random(made.quality.shape) < 0.1, 10, 90).astype(np.uint8)
    return dataclasses.replace(made, hashes=noise, quality=quality)


REFERENCE, STILL = a_reference(1), still(2, 90.0)
CASES = {
    "copy": lambda: (an_upload([(REFERENCE, 5, 20, 1.0)]), REFERENCE),
    "faster": lambda: (an_upload([(REFERENCE, 2, 12, 1.5), (None, 0, 4, 1.0)], bits=60), REFERENCE),
    "backwards": lambda: (an_upload([(REFERENCE, 30, 20, -1.0)], bits=40), REFERENCE),
    "parts": lambda: (an_upload([(REFERENCE, 20, 8, 1.0), (REFERENCE, 3, 9, 0.8)], bits=50), REFERENCE),
    "stranger": lambda: (an_upload([(None, 0, 20, 1.0)]), REFERENCE),
    "still": lambda: (an_upload([(STILL, 5, 30, 1.0)], bits=20), STILL),
    "long": lambda: (an_upload([(STILL, 0, 80, 1.0), (REFERENCE, 0, 20, 1.0)], bits=70), STILL),
    "a frame": lambda: (an_upload([(REFERENCE, 5, 0.5, 1.0)]), REFERENCE),
}
PAIRS: list[Pair] = [(0, 0), (0, 3)]


def both(case: str, exclusions: tuple[Interval, ...]) -> Iterator[tuple[Fingerprint, Fingerprint, Sides]]:
    """The case, and how it compares plain and compiled."""
    query, reference = CASES[case]()
    for load in (False, True):
        compile_all(load)
        yield query, reference, extend._compared(query, reference, PAIRS, GATE, exclusions)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("exclusions", [(), (Interval(4.0, 12.0),)])
def test_comparison(case: str, exclusions: tuple[Interval, ...]) -> None:
    """Distances in every view pair, and gains over slots."""
    (_, _, plain), (_, _, compiled) = both(case, exclusions)
    assert plain.stack.dtype == compiled.stack.dtype and np.array_equal(plain.stack, compiled.stack)
    assert plain.comparison.gains.dtype == compiled.comparison.gains.dtype
    assert np.array_equal(plain.comparison.gains, compiled.comparison.gains)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("lines", [(), LINES])
@pytest.mark.parametrize("least", [align.LEAST_TOTAL, align.LEAST_ALONE])
def test_lines(case: str, lines: tuple[Line, ...], least: float) -> None:
    """All lines that are considered, in order, with the stretches over which they pay."""
    (*_, sides), _ = both(case, ())
    _same_lines(sides.comparison, lines, least)


@pytest.mark.parametrize("seed", range(12))
def test_lines_of_noise(seed: int) -> None:
    """Also where nothing is to be found but chance, with many cells as strong as each other."""
    random = np.random.default_rng(seed)
    rows, frames = int(random.integers(2, 300)), int(random.integers(1, 400))
    times = np.sort(random.random(rows) * rows / 2)
    distances = random.integers(60, 130, (rows, frames)).astype(np.int32)
    distances[random.random(distances.shape) < 0.02] = 257
    starts = np.sort(random.random(frames) * frames / 4)
    _same_lines(compare(distances, starts, frames / 4 + 0.5, times), LINES[: seed % 4], 0.5)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("line", LINES)
def test_pieces(case: str, line: Line) -> None:
    """Lines, what each frame gains on each, and their best sequence."""
    (*_, sides), _ = both(case, ())
    _same_pieces(sides.comparison, line)


@pytest.mark.parametrize("seed", range(12))
def test_pieces_of_noise(seed: int) -> None:
    """Of lines that keep changing, of few frames, and of none that gains its price."""
    random = np.random.default_rng(seed)
    rows, frames = int(random.integers(1, 200)), int(random.integers(1, 300))
    distances = random.integers(40 + 10 * (seed % 4), 130, (rows, frames)).astype(np.int32)
    comparison = compare(distances, np.arange(frames) / 4, frames / 4 + 0.5, np.sort(random.random(rows) * rows / 2))
    _same_pieces(comparison, LINES[seed % len(LINES)])


def _same_pieces(comparison: Comparison, line: Line) -> None:
    found = []
    for load in (False, True):
        compile_all(load)
        found.append(pieces.sequence(comparison, line))
    (lines, gains, plain), (other_lines, other_gains, compiled) = found
    assert lines.dtype == other_lines.dtype and np.array_equal(lines, other_lines)
    assert gains.dtype == other_gains.dtype and np.array_equal(gains, other_gains)
    # As sums round, it matters that what is summed lies side by side.
    assert len(gains) == 1 or gains.strides[0] == other_gains.strides[0]
    assert plain == compiled


def _same_lines(comparison: Comparison, lines: tuple[Line, ...], least: float) -> None:
    found = []
    for load in (False, True):
        compile_all(load)
        found.append(plain_lines.refined(comparison, lines, least))
    for column in ("lines", "slots", "firsts", "lasts", "totals"):
        plain, compiled = (getattr(one, column) for one in found)
        assert plain.dtype == compiled.dtype and plain.shape == compiled.shape
        assert np.array_equal(plain, compiled), column


@pytest.mark.parametrize("seed", range(6))
def test_news(seed: int) -> None:
    """What of a line's frames counts, from still to ever new."""
    random = np.random.default_rng(seed)
    hashes = np.repeat(random.integers(0, 256, (40, 32), np.uint8), 3, axis=0)
    query, reference = flipped(hashes, 4 * seed, random), flipped(hashes, 10, random)
    distances = random.integers(0, 110, len(query)).astype(np.int32)
    gains = random.normal(2, 2, len(query)).astype(np.float32)
    plain = novelty(query, reference, distances, gains)
    compile_all()
    compiled = COMPILED.module.novelty(as_words(query), as_words(reference), distances.astype(np.int64), gains)
    assert plain.dtype == compiled.dtype and np.array_equal(plain, compiled)
    assert 0 < np.count_nonzero(plain) < len(plain)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("exclusions", [(), (Interval(4.0, 12.0),)])
def test_frames_on_a_line(case: str, exclusions: tuple[Interval, ...]) -> None:
    """What the frames of every alignment come to, also along lines that nothing proposes."""
    found: list[list[tuple[object, ...]]] = []
    for _, _, sides in both(case, exclusions):
        several = list(alignments(sides.comparison, LINES, least=0.1))
        found.append([_told(evidence._weighed(sides, one)) for one in several])
    plain, compiled = found
    assert plain == compiled
    assert plain or (case == "a frame" and exclusions), "all that it has is excluded"


def _told(one: evidence._Weighed) -> tuple[object, ...]:
    """All of it, to the bit."""
    arrays = [(array.dtype, array.tobytes()) for array in (one.gains, one.weights)]
    return *arrays, one.favourite, one.first, one.last, one.distance


@pytest.mark.parametrize("seed", range(3))
def test_pairs_of_views(seed: int) -> None:
    """Which pairs gain the most, whatever fails the gate: some hashes, whole frames, or nothing."""
    random = np.random.default_rng(seed)
    reference = a_reference(seed, 8.0)
    quality = np.where(random.random(reference.quality.shape) < 0.3 * seed, 10, 90).astype(np.uint8)
    quality[seed : 3 * seed] = 10
    reference = dataclasses.replace(reference, quality=quality)
    every = np.arange(np.count_nonzero(quality >= GATE))
    positions = random.permutation(np.concatenate([every, every]))
    nominations = [
        Nomination(1, random.integers(0, 5, count), positions[:count], gains[:count].astype(np.float32), 0.0)
        for count in (0, 1, 3, 40, len(positions))
        for gains in (random.random(len(positions)), random.integers(0, 2, len(positions)))
    ]
    plain = [pairs._strongest(one, reference, GATE).tolist() for one in nominations]
    compile_all()
    assert plain == [pairs._strongest(one, reference, GATE).tolist() for one in nominations]
    assert not plain[0] and len(plain[-1]) == 4
    behind = Nomination(1, np.zeros(1, np.intp), np.array([len(every)]), np.ones(1, np.float32), 1.0)
    for load in (False, True):
        compile_all(load)
        with pytest.raises(IndexError):
            pairs._strongest(behind, reference, GATE)


def test_bins_of_speeds() -> None:
    """Each speed is in the bin that its logarithm says, also where one bin ends and the next begins."""
    from hashsvc.match import compiled_lines  # importing it compiles

    ends = compiled_lines._ENDS
    beside = [np.nextafter(ends, 0.0), ends, np.nextafter(ends, 9.0)]
    speeds = np.concatenate(
        [*beside, [plain_lines.SLOWEST, 1.0, plain_lines.FASTEST], np.random.default_rng(1).uniform(0.45, 2.2, 999)]
    )
    speeds = speeds[(speeds >= plain_lines.SLOWEST) & (speeds <= plain_lines.FASTEST)]
    bins = np.round((np.log(speeds) + 1) / 0.02).astype(int)
    assert [compiled_lines._across(one) for one in speeds] == bins.tolist()
    assert [compiled_lines._across(-one) for one in speeds] == (-bins).tolist()
    assert len(np.unique(bins)) == len(ends) > 75


@pytest.mark.parametrize("seconds", [0.5, 7.5, 8.0, 8.5, 33.3, 300.0, 1000.0])
@pytest.mark.parametrize("poor", [0.0, 0.4, 1.0])
def test_seeds(seconds: float, poor: float) -> None:
    """Which frames are searched, from one frame to more than are wanted, some or all of them poor."""
    random = np.random.default_rng(int(seconds))
    made = an_upload([(None, 0, seconds, 1.0)])
    quality = np.where(random.random((made.frames, 5)) < poor, 10, 90).astype(np.uint8)
    quality[random.random(made.frames) < poor] = 10
    hashes = random.integers(0, 256, (made.frames, 5, 32), np.uint8)
    query = dataclasses.replace(made, views=("full", "a", "b", "c", "d"), hashes=hashes, quality=quality)
    plain = pick(query, GATE)
    compile_all()
    compiled = pick(query, GATE)
    for column in ("hashes", "frames", "views"):
        ours, theirs = getattr(plain, column), getattr(compiled, column)
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape and np.array_equal(ours, theirs)
        assert theirs.flags.c_contiguous
    assert (len(plain.frames) == 0) == (poor == 1.0)


@pytest.mark.parametrize("seed", range(8))
def test_nominations(seed: int) -> None:
    """What hits point at: many entries, of which some just reach what is asked and some just do not."""
    random = np.random.default_rng(seed)
    searched = pick(an_upload([(None, 0, 30.0, 1.0)]), GATE)
    count = int(random.integers(1, 400))
    hits = (
        random.integers(0, len(searched.frames), count).astype(np.int32),
        random.integers(1, 1 + count // 3 + seed, count),
        random.integers(0, 9000, count).astype(np.int32),
        random.integers(20 if seed % 2 else 70, 85, count).astype(np.int32),
    )
    plain = nominate(searched, *hits)
    compile_all()
    compiled = nominate(searched, *hits)
    assert [_nominated(one) for one in plain] == [_nominated(one) for one in compiled]
    assert plain or count < 20


def test_no_hits() -> None:
    """Nothing is nominated by nothing, and no frame is searched of an upload that shows nothing."""
    compile_all()
    query, nothing = an_upload([(None, 0, 30.0, 1.0)]), np.zeros(0, np.int32)
    assert nominate(pick(query, GATE), nothing, np.zeros(0, np.int64), nothing, nothing) == []
    black = dataclasses.replace(query, quality=np.zeros_like(query.quality))
    assert pick(black, GATE).hashes.shape == (0, 32)


def _nominated(one: Nomination) -> tuple[object, ...]:
    """All of it, to the bit."""
    arrays = [(array.dtype, array.tobytes()) for array in (one.query_views, one.positions, one.gains)]
    return one.number, one.worth, *arrays


@pytest.mark.parametrize("case", CASES)
def test_finding(case: str) -> None:
    """What a match says in the end."""
    query, reference = CASES[case]()
    plain = find(query, reference, nominated(reference), GATE, 10**6)
    compile_all()
    compiled = find(query, reference, nominated(reference), GATE, 10**6)
    assert (plain and dataclasses.astuple(plain)) == (compiled and dataclasses.astuple(compiled))
    assert (plain is None) == (case in ("stranger", "a frame"))
