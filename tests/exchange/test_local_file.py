"""The local_file format: a signal type, a space, a signal."""

from hashsvc.bank.model import EntryState
from hashsvc.exchange import local_file, vpdq

from .conftest import Maker


def test_three_lines_an_entry(maker: Maker) -> None:
    """An entry gives its vPDQ and both digests, one a line."""
    exported = maker(5)
    assert list(local_file.export([exported])) == [
        f"vpdq {vpdq.signal(exported.fingerprint)}",
        f"video_md5 {exported.entry.md5}",
        f"video_sha256 {exported.entry.sha256}",
    ]


def test_digests_are_lower_case(maker: Maker) -> None:
    """Clients index a digest as it stands, so an upper-case one would never be found."""
    lines = list(local_file.export([maker(md5="AB" * 16, sha256="CD" * 32)]))
    assert lines[1:] == [f"video_md5 {'ab' * 16}", f"video_sha256 {'cd' * 32}"]


def test_what_is_missing_is_left_out(maker: Maker) -> None:
    """An entry confirmed by fingerprint may have no digests, a black one has no vPDQ; no empty signal is written."""
    assert [line.split()[0] for line in local_file.export([maker(md5="", sha256="")])] == ["vpdq"]
    dark = maker(quality=[0, 10, 49])
    assert [line.split()[0] for line in local_file.export([dark])] == ["video_md5", "video_sha256"]
    assert list(local_file.export([maker(quality=[0, 0, 0], md5="", sha256="")])) == []


def test_withdrawn_entries_do_not_leave(maker: Maker) -> None:
    """Nothing of a withdrawn entry is in the export, whatever the caller hands over."""
    kept, withdrawn = maker(1), maker(2, state=EntryState.WITHDRAWN)
    assert list(local_file.export([withdrawn, kept])) == list(local_file.export([kept]))


def test_no_line_can_break_another(maker: Maker) -> None:
    """Words that callers chose are not in the file, so they cannot add lines to it."""
    hostile = maker(external_id="x\nvideo_md5 " + "0" * 32, labels=("y\nz",))
    lines = list(local_file.export([hostile]))
    assert len(lines) == 3
    assert all("\n" not in line and line.isascii() for line in lines)
