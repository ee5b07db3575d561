"""Real videos through the server: hashed there, and hashed by the client."""

import threading
import time
from pathlib import Path

import pytest

from hashsvc.bank.model import Verdict
from hashsvc.client import Client
from hashsvc.demo import edits, video
from hashsvc.errors import MediaError
from hashsvc.fingerprint.model import Digests


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An original, a re-encoded copy of it and an unrelated video, of five seconds each."""
    folder = tmp_path_factory.mktemp("videos")
    for name, seed, edit in (
        ("original", 1, edits.unchanged),
        ("copy", 1, edits.resize(160, 90)),
        ("other", 2, edits.unchanged),
    ):
        video.write(folder / f"{name}.mp4", edit(video.make(seed, seconds=5.0, size=(256, 144))))
    return folder


def test_hashed_by_the_server(client: Client, videos: Path) -> None:
    """Bytes are confirmed and matched: the original by digest, a copy by its frames, another video not at all."""
    entry = client.confirm_media("default", videos / "original.mp4", external_id="original", labels=["test"])
    assert (entry.external_id, entry.labels) == ("original", ("test",))
    assert client.confirm_media("default", videos / "original.mp4", external_id="original") == entry
    exact = client.match_media(videos / "original.mp4", min_revision=entry.revision)
    assert (exact.verdict, exact.matches[0].digest) == (Verdict.BLOCK, "sha256")
    copy = client.match_media(videos / "copy.mp4")
    assert (copy.verdict, copy.matches[0].entry, copy.matches[0].digest) == (Verdict.BLOCK, entry.entry, "")
    assert client.match_media(videos / "other.mp4").verdict is Verdict.ALLOW


def test_hashed_by_the_client(client: Client, videos: Path) -> None:
    """The same, with nothing but fingerprints and digests sent."""
    shares: list[float] = []
    entry = client.confirm_file("default", videos / "original.mp4", progress=shares.append)
    assert shares == sorted(shares)
    exact = client.match_file(videos / "original.mp4", min_revision=entry.revision)
    assert exact.matches[0].digest == "sha256"
    copy = client.match_file(videos / "copy.mp4")
    assert (copy.verdict, copy.matches[0].entry, copy.matches[0].digest) == (Verdict.BLOCK, entry.entry, "")
    assert client.match_file(videos / "other.mp4").verdict is Verdict.ALLOW


def test_what_is_no_video(client: Client, tmp_path: Path) -> None:
    """Empty and unreadable files are errors with a reason, wherever they are hashed, and nothing is stored."""
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("this is no video" * 1000)
    for path, reason in ((empty, "MEDIA_EMPTY"), (text, "MEDIA_UNREADABLE")):
        for call in (client.match_media, client.match_file):
            with pytest.raises(MediaError) as caught:
                call(path)
            assert caught.value.reason == reason
        for confirm in (client.confirm_media, client.confirm_file):
            with pytest.raises(MediaError) as caught:
                confirm("default", path)
            assert caught.value.reason == reason
    assert client.list_entries("default").items == ()


def test_matching_goes_on_while_media_is_hashed(client: Client, videos: Path) -> None:
    """Uploads do not starve look-ups."""
    uploads = [threading.Thread(target=client.match_media, args=(videos / "other.mp4",)) for _ in range(6)]
    for upload in uploads:
        upload.start()
    slowest = 0.0
    while any(upload.is_alive() for upload in uploads):
        start = time.perf_counter()
        client.match(Digests(md5=bytes(16)))
        slowest = max(slowest, time.perf_counter() - start)
    for upload in uploads:
        upload.join()
    assert 0 < slowest < 2.0
