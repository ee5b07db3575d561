"""Partners' stock client, `tx` of python-threatexchange, reads our exports and finds our videos in them.

The client runs as it comes from the package index, on a `local_file` exchange. Its vPDQ extension imports the compiled
module `vpdq` even where it only compares hashes; where that is not installed, an empty module of the name stands in for
it, and only the tests in which the client hashes a video itself are skipped.
"""

import dataclasses
import datetime
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hashsvc.bank.model import Entry, EntryState
from hashsvc.config import Limits
from hashsvc.exchange import vpdq
from hashsvc.exchange.formats import exporter
from hashsvc.exchange.model import ExportEntry
from hashsvc.fingerprint.hasher import fingerprint_reference
from hashsvc.fingerprint.profiles import STANDARD_1

TX = Path(sys.executable).with_name("tx")
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("threatexchange") is None or not TX.exists(),
    reason="the dependency group 'interop' is not installed; it needs a compiler",
)
client_hashes_video = pytest.mark.skipif(
    importlib.util.find_spec("vpdq") is None, reason="the compiled package 'vpdq' is not installed; it needs libav headers"
)  # fmt: skip

Pictures = npt.NDArray[np.uint8]


def scenes(seed: int) -> list[Pictures]:
    """Eight seconds at 10 frames a second: four textured scenes under a moving camera, uint8 (240, 320, 3) each."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(4):
        cells = Image.fromarray(rng.integers(0, 256, (18, 24, 3), dtype=np.uint8))
        scene = np.asarray(cells.resize((480, 360), Image.Resampling.BICUBIC))
        y, x = rng.integers(1, 4, 2).tolist()
        frames += [scene[y * tick : y * tick + 240, x * tick : x * tick + 320] for tick in range(20)]
    return frames


def write(path: Path, frames: Iterable[Pictures], *, size: tuple[int, int] = (320, 240), crf: int = 20) -> Path:
    """Encode frames at 10 a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": str(crf), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for picture in frames:
            resized = np.asarray(Image.fromarray(picture).resize(size))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(resized, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def confirmed(video: Path) -> ExportEntry:
    """The video as an entry, fingerprinted as at confirm."""
    fingerprint = fingerprint_reference(video, STANDARD_1, Limits())
    now = datetime.datetime.now(datetime.UTC)
    entry = Entry(
        bank="bank", entry=video.stem, external_id=video.stem, profile=fingerprint.profile, duration=fingerprint.duration,
        frames=fingerprint.frames, hashes=fingerprint.frames, md5=fingerprint.digests.md5.hex(),
        sha256=fingerprint.digests.sha256.hex(), created_at=now, updated_at=now, revision=1,
    )  # fmt: skip
    return ExportEntry(entry=entry, fingerprint=fingerprint)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three videos."""
    folder = tmp_path_factory.mktemp("videos")
    return [write(folder / f"video{seed}.mp4", scenes(seed)) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def bank(videos: list[Path]) -> list[ExportEntry]:
    """The three videos, confirmed."""
    return [confirmed(video) for video in videos]


Client = Callable[..., str]


@pytest.fixture
def tx(tmp_path: Path) -> Client:
    """Runs `tx` with a state of its own and no network; returns what it printed on both streams."""
    environment = os.environ | {"TX_STATEDIR": str(tmp_path / "state"), "HTTPS_PROXY": "http://127.0.0.1:9"}
    (tmp_path / "state").mkdir()
    if importlib.util.find_spec("vpdq") is None:
        stand_in = tmp_path / "stand-in"
        stand_in.mkdir()
        (stand_in / "vpdq.py").write_text("class VpdqFeature: pass\n")
        environment["PYTHONPATH"] = str(stand_in)

    def run(*words: str | Path) -> str:
        command = [TX, *words]
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout + finished.stderr

    run("config", "extensions", "add", "threatexchange.extensions.vpdq.manifest")
    return run


def publish(tx: Client, path: Path, lines: Iterable[str], *words: str) -> str:
    """Write an export to `path`, make it the client's exchange `ours` and fetch it."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    tx("config", "collab", "edit", "local_file", "--create", "--filename", path, *words, "ours")
    return tx("-v", "fetch")


def counts(tx: Client) -> dict[str, int]:
    """How many signals of each type the client holds."""
    rows = (line.split(": ") for line in tx("dataset").splitlines() if ": " in line)
    return {name: int(number) for name, number in rows}


def test_every_line_is_accepted(tx: Client, bank: list[ExportEntry], tmp_path: Path) -> None:
    """The client takes all nine lines and warns of none."""
    said = publish(tx, tmp_path / "bank.txt", exporter("local-file")(bank))
    assert "Invalid fingerprint" not in said
    assert counts(tx) == {"vpdq": 3, "video_md5": 3, "video_sha256": 3}


@pytest.mark.parametrize("kind", ["video_md5", "video_sha256"])
def test_a_digest_is_found(tx: Client, bank: list[ExportEntry], tmp_path: Path, kind: str) -> None:
    """The client finds a confirmed file by its digest, and no file of another digest."""
    publish(tx, tmp_path / "bank.txt", exporter("local-file")(bank))
    digest = bank[1].entry.md5 if kind == "video_md5" else bank[1].entry.sha256
    assert f"{kind} - (ours)" in tx("match", "-S", kind, "-H", "video", "--", digest)
    stranger = format(int(digest, 16) ^ 1, f"0{len(digest)}x")
    assert "(ours)" not in tx("match", "-S", kind, "-H", "video", "--", stranger)


def test_a_file_is_found_by_its_bytes(tx: Client, videos: list[Path], bank: list[ExportEntry], tmp_path: Path) -> None:
    """The client takes the digest of an upload itself and finds it, so ours is of the same bytes."""
    publish(tx, tmp_path / "bank.txt", exporter("local-file")(bank))
    assert "video_sha256 - (ours)" in tx("match", "-S", "video_sha256", "video", videos[2])
    longer = tmp_path / "longer.mp4"
    longer.write_bytes(videos[2].read_bytes() + b"\0")
    assert "(ours)" not in tx("match", "-S", "video_sha256", "video", longer)


def test_a_vpdq_hash_is_found(tx: Client, bank: list[ExportEntry], tmp_path: Path) -> None:
    """The client's vPDQ index, built from our signals, finds an excerpt with bits flipped, and no other video."""
    publish(tx, tmp_path / "bank.txt", exporter("local-file")(bank))
    features = json.loads(vpdq.signal(bank[1].fingerprint))[2:7]
    flipped = [f"{int(feature[:64], 16) ^ 0x10101 << 40:064x}{feature[64:]}" for feature in features]
    assert "vpdq 100%" in tx("match", "-S", "vpdq", "-H", "video", "--", json.dumps(flipped))
    stranger = vpdq.signal(confirmed(write(tmp_path / "other.mp4", scenes(9))).fingerprint)
    assert "(ours)" not in tx("match", "-S", "vpdq", "-H", "video", "--", stranger)


def test_a_bank_of_one(tx: Client, bank: list[ExportEntry], tmp_path: Path) -> None:
    """A single entry is found, though the client loses a PDQ index of a single hash when it saves it."""
    publish(tx, tmp_path / "bank.txt", exporter("local-file")(bank[:1]))
    signal = vpdq.signal(bank[0].fingerprint)
    assert "vpdq 100%[100%] (ours)" in tx("match", "-S", "vpdq", "-H", "video", "--", signal)
    assert "video_md5 - (ours)" in tx("match", "-S", "video_md5", "-H", "video", "--", bank[0].entry.md5)


def test_the_vpdq_format_is_an_exchange_too(tx: Client, bank: list[ExportEntry], tmp_path: Path) -> None:
    """Bare signals, one a line, are a local_file exchange of the one signal type."""
    publish(tx, tmp_path / "bank.vpdq", exporter("vpdq")(bank), "--signal-type", "vpdq")
    assert counts(tx) == {"vpdq": 3}
    signal = vpdq.signal(bank[2].fingerprint)
    assert "vpdq 100%[100%] (ours)" in tx("match", "-S", "vpdq", "-H", "video", "--", signal)


def test_a_withdrawn_entry_is_gone(tx: Client, bank: list[ExportEntry], tmp_path: Path) -> None:
    """After a withdrawal and a fresh fetch the client no longer finds the entry, and still finds the others."""
    path = tmp_path / "bank.txt"
    publish(tx, path, exporter("local-file")(bank))
    gone = dataclasses.replace(bank[0].entry, state=EntryState.WITHDRAWN)
    after = [ExportEntry(entry=gone, fingerprint=bank[0].fingerprint), *bank[1:]]
    path.write_text("".join(f"{line}\n" for line in exporter("local-file")(after)), encoding="ascii")
    tx("fetch", "--clear")
    tx("fetch")
    assert counts(tx) == {"vpdq": 2, "video_md5": 2, "video_sha256": 2}
    assert "(ours)" not in tx("match", "-S", "video_md5", "-H", "video", "--", gone.md5)
    assert "(ours)" in tx("match", "-S", "video_md5", "-H", "video", "--", bank[1].entry.md5)


@client_hashes_video
def test_the_clients_own_hash_of_a_copy_is_found(tx: Client, bank: list[ExportEntry], tmp_path: Path) -> None:
    """The client decodes and hashes a smaller, poorer copy with its own vPDQ and finds it in our signals."""
    publish(tx, tmp_path / "bank.txt", exporter("local-file")(bank))
    copy = write(tmp_path / "copy.mp4", scenes(3), size=(240, 180), crf=30)
    said = tx("match", "-S", "vpdq", "video", copy)
    assert "vpdq 100%" in said and "(ours)" in said
    other = write(tmp_path / "other.mp4", scenes(9))
    assert "(ours)" not in tx("match", "-S", "vpdq", "video", other)
