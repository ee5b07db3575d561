"""The vPDQ signal is what partners' clients parse, and says what the fingerprint says."""

import json
import re

import numpy as np

from hashsvc.bank.model import EntryState
from hashsvc.exchange import vpdq

from .conftest import Maker


def parsed(signal: str) -> list[tuple[str, int, float]]:
    """A signal read as strictly as any client does: lower-case hex, whole quality, time in seconds."""
    features = json.loads(signal)
    assert isinstance(features, list)
    found = []
    for feature in features:
        match = re.fullmatch(r"([0-9a-f]{64}),(\d{1,3}),(\d+\.\d+)", feature)
        assert match, feature
        assert 0 <= int(match[2]) <= 100
        found.append((match[1], int(match[2]), float(match[3])))
    return found


def test_one_hash_a_second_from_the_frame_shown_then(maker: Maker) -> None:
    """Each whole second has the frame whose span covers it; in a gap, the nearest; at a border, the later."""
    exported = maker(spans=[(0.0, 1.0), (1.0, 2.25), (3.5, 4.0), (4.25, 6.0)], quality=[100, 90, 80, 70], duration=6.5)
    fingerprint = exported.fingerprint
    features = parsed(vpdq.signal(fingerprint))
    assert [time for _, _, time in features] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    frames = [0, 1, 1, 2, 2, 3, 3]
    assert [text for text, _, _ in features] == [fingerprint.hashes[frame, 0].tobytes().hex() for frame in frames]
    assert [grade for _, grade, _ in features] == [100, 90, 90, 80, 80, 70, 70]


def test_the_exact_text(maker: Maker) -> None:
    """Clients use the whole line as a key, so not a space of it may change."""
    fingerprint = maker(spans=[(0.0, 2.0)], quality=[77]).fingerprint
    text = fingerprint.hashes[0, 0].tobytes().hex()
    assert vpdq.signal(fingerprint) == f'["{text},77,0.0", "{text},77,1.0"]'


def test_the_same_fingerprint_gives_the_same_bytes(maker: Maker) -> None:
    """Exporting twice gives the same record."""
    assert list(vpdq.export([maker(1), maker(2)])) == list(vpdq.export([maker(1), maker(2)]))


def test_a_video_shorter_than_a_second(maker: Maker) -> None:
    """Half a second still has one hash, at its start."""
    assert [time for _, _, time in parsed(vpdq.signal(maker(spans=[(0.0, 0.5)]).fingerprint))] == [0.0]


def test_long_videos_keep_their_times_exact(maker: Maker) -> None:
    """A time past 1000 seconds is written out, not rounded to three digits as the client prints it."""
    features = parsed(vpdq.signal(maker(spans=[(0.0, 1300.0)]).fingerprint))
    assert len(features) == 1300
    assert features[1234][2] == 1234.0
    assert "e+" not in vpdq.signal(maker(spans=[(0.0, 1300.0)]).fingerprint)


def test_a_poor_frame_is_written_with_its_quality(maker: Maker) -> None:
    """Clients drop poor frames themselves, by the quality that is written."""
    features = parsed(vpdq.signal(maker(spans=[(0.0, 1.0), (1.0, 2.0)], quality=[0, 50]).fingerprint))
    assert [grade for _, grade, _ in features] == [0, 50]


def test_no_usable_frame_no_signal(maker: Maker) -> None:
    """Where clients would drop every frame, or there is none, no signal goes out."""
    assert vpdq.signal(maker(spans=[(0.0, 3.0)], quality=[49]).fingerprint) == ""
    assert vpdq.signal(maker(spans=[]).fingerprint) == ""
    black_between = maker(spans=[(0.0, 0.25), (0.25, 0.75), (0.75, 2.0)], quality=[10, 100, 10])
    assert vpdq.signal(black_between.fingerprint) == "", "the one good frame is at no whole second"


def test_export_has_a_line_for_each_live_entry_with_a_signal(maker: Maker) -> None:
    """Withdrawn entries and those without a signal are left out; the others keep their order."""
    entries = [maker(1), maker(2, state=EntryState.WITHDRAWN), maker(3, quality=[0, 0, 0]), maker(4)]
    lines = list(vpdq.export(entries))
    assert lines == [vpdq.signal(entries[0].fingerprint), vpdq.signal(entries[3].fingerprint)]
    assert lines[0] != lines[1]


def test_only_the_full_view_leaves(maker: Maker) -> None:
    """A mirrored or cropped reading in an exported signal would make partners match what they did not ask for."""
    fingerprint = maker().fingerprint
    full = {frame.tobytes().hex() for frame in np.asarray(fingerprint.hashes[:, 0])}
    assert {text for text, _, _ in parsed(vpdq.signal(fingerprint))} == full
