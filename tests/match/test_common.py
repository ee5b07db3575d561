"""Intros and end cards lose their weight by how many share them; excerpts and variants keep theirs."""

import dataclasses

import numpy as np
import pytest

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match.common import weighed
from hashsvc.match.extend import Finding, find
from tests.match.synthetic import a_reference, an_upload, flipped, nominated

GATE = DEFAULT.quality_gate
SECONDS = 40.0


def with_part(of: Fingerprint, part: Fingerprint, seconds: float, at: float) -> Fingerprint:
    """`of` with the first `seconds` of `part` in it from `at` on."""
    hashes = of.hashes.copy()
    first, count = int(at * 4), int(seconds * 4)
    hashes[first : first + count] = part.hashes[:count]
    return dataclasses.replace(of, hashes=hashes)


def found(upload: Fingerprint, reference: Fingerprint) -> Finding:
    """What the upload has in common with a reference."""
    finding = find(upload, reference, nominated(reference), GATE, 100_000)
    assert finding is not None
    return finding


@pytest.mark.parametrize("at", [0.0, SECONDS - 6.0])
def test_a_shared_card_loses_its_weight(at: float) -> None:
    """The more entries begin, or end, with the same six seconds, the less those say of any; alone they say everything."""
    card = a_reference(1, seconds=6.0)
    references = [with_part(a_reference(seed), card, 6.0, at) for seed in range(10, 16)]
    upload = an_upload([(card, 0.0, 6.0, 1.0), (None, 0.0, 14.0, 1.0)])
    alone = found(upload, references[0])
    assert weighed([(alone, references[0])], GATE) == [alone]
    for count in (2, 4, 6):
        pairs = [(found(upload, one), one) for one in references[:count]]
        assert [one.evidence for one in weighed(pairs, GATE)] == [
            pytest.approx(finding.evidence / count**2) for finding, _ in pairs
        ]


def test_an_excerpt_from_the_middle_keeps_its_weight() -> None:
    """An excerpt that six compilations hold somewhere is what it is."""
    excerpt = a_reference(1, seconds=6.0)
    references = [with_part(a_reference(seed), excerpt, 6.0, 10.0 + seed) for seed in range(6)]
    upload = an_upload([(excerpt, 0.0, 6.0, 1.0), (None, 0.0, 14.0, 1.0)])
    pairs = [(found(upload, one), one) for one in references]
    assert weighed(pairs, GATE) == [finding for finding, _ in pairs]


@pytest.mark.parametrize("view", ["full", "mirror"])
def test_variants_of_one_video_keep_their_weight(view: str) -> None:
    """An upload of the beginning is found in each of five variants of a video, mirrored ones among them: they go on alike."""
    original = a_reference(1)
    random = np.random.default_rng(2)
    variants = [original]
    for _ in range(4):
        near = flipped(original.hashes.reshape(-1, 32), 12, random).reshape(original.hashes.shape).copy()
        other = original.views.index(view)
        near[:, [0, other]] = near[:, [other, 0]]
        variants.append(dataclasses.replace(original, hashes=near))
    upload = an_upload([(original, 0.0, 8.0, 1.0), (None, 0.0, 12.0, 1.0)])
    pairs = []
    for one in variants:
        finding = find(upload, one, nominated(one, view if one is not original else "full"), GATE, 100_000)
        assert finding is not None
        pairs.append((finding, one))
    assert weighed(pairs, GATE) == [finding for finding, _ in pairs]


def test_most_of_a_video_is_no_intro() -> None:
    """Two short entries that both are nearly all of the upload keep their weight, however they end."""
    shared = a_reference(1, seconds=12.0)
    references = [with_part(a_reference(seed, seconds=16.0), shared, 12.0, 0.0) for seed in (3, 4)]
    pairs = [(found(an_upload([(shared, 0.0, 12.0, 1.0)]), one), one) for one in references]
    assert weighed(pairs, GATE) == [finding for finding, _ in pairs]
