"""The JSON Lines format carries every signal of an entry."""

import dataclasses
import json

import pytest

from hashsvc.bank.model import EntryState
from hashsvc.errors import FingerprintError
from hashsvc.exchange import jsonl, vpdq
from hashsvc.exchange.model import ExportEntry

from .conftest import Maker


def test_every_signal_of_an_entry(maker: Maker) -> None:
    """One object has the entry's nouns, digests, videohash, vPDQ, and a pHash with times for every kept frame."""
    exported = maker(3, spans=[(0.0, 1.23456), (1.23456, 2.0)])
    entry, fingerprint = exported.entry, exported.fingerprint
    (line,) = jsonl.export([exported])
    assert json.loads(line) == {
        "bank": "bank",
        "entry": "e3",
        "external_id": "video 3",
        "labels": ["a", "b"],
        "state": "confirmed",
        "revision": 4,
        "created_at": "2026-01-02T03:04:05+00:00",
        "updated_at": "2026-01-02T03:04:05+00:00",
        "profile": "standard-1",
        "duration": 2.0,
        "md5": entry.md5,
        "sha256": entry.sha256,
        "videohash": "0x00ff00ff00ff00ff",
        "vpdq": vpdq.signal(fingerprint),
        "phash": [
            {"start": 0.0, "end": 1.235, "hash": fingerprint.signals.phash[0].tobytes().hex()},
            {"start": 1.235, "end": 2.0, "hash": fingerprint.signals.phash[1].tobytes().hex()},
        ],
    }


def test_what_is_missing_is_null(maker: Maker) -> None:
    """A signal that was not taken is null, and pHashes an empty list; the entry is still there."""
    (line,) = jsonl.export([maker(quality=[0, 0, 0], md5="", sha256="", videohash="", phash=False)])
    record = json.loads(line)
    assert [record[name] for name in ("md5", "sha256", "videohash", "vpdq", "phash")] == [None, None, None, None, []]


def test_words_cannot_break_lines(maker: Maker) -> None:
    """Newlines of every kind in a caller's words stay inside the one line, and come back as they were."""
    words = 'a\nb\r\u2028\u0085"\\ü'
    (line,) = jsonl.export([maker(external_id=words, labels=(words,))])
    assert len(line.splitlines()) == 1 and line.isascii()
    assert json.loads(line)["external_id"] == words


def test_withdrawn_entries_do_not_leave(maker: Maker) -> None:
    """A withdrawn entry has no line."""
    assert list(jsonl.export([maker(state=EntryState.WITHDRAWN)])) == []


def test_phashes_that_fit_no_frames_are_an_error(maker: Maker) -> None:
    """A fingerprint with a pHash too few is malformed; its times would be wrong for every partner."""
    whole, part = maker(1), maker(1, spans=[(0.0, 1.0)])
    mixed = dataclasses.replace(whole.fingerprint, signals=part.fingerprint.signals)
    with pytest.raises(FingerprintError, match="1 pHashes for 3 frames"):
        list(jsonl.export([ExportEntry(entry=whole.entry, fingerprint=mixed)]))
