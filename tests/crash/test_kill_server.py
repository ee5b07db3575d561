"""A server killed at random moments: what it acknowledged is there and found, and nothing is there by halves."""

import contextlib
import dataclasses
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from hashsvc.bank.model import Entry, Verdict
from hashsvc.client import Client
from hashsvc.demo import edits, video
from hashsvc.errors import UnavailableError
from hashsvc.fingerprint.model import Digests, Fingerprint
from tests.crash.serving import Serving, serving
from tests.server.background import excerpt, reference

SEED = 41
CONFIRMS, KILLS = 50, 8
MEDIA_SEED = 14
"""The first kill comes while the first video is hashed, the others later and later."""
MEDIA_KILLS = 4
FRAMES = 24


@dataclasses.dataclass
class Confirms:
    """What was sent and what came back. A confirm that got no answer is sent again, or given up by the dice."""

    dice: random.Random
    next: int = 0
    acknowledged: dict[int, Entry] = dataclasses.field(default_factory=dict)
    given_up: set[int] = dataclasses.field(default_factory=set)

    @property
    def unanswered(self) -> set[int]:
        """Sent perhaps, never acknowledged: those given up, and the one that was to be sent again when all was done."""
        return self.given_up | {self.next}

    def one(self, client: Client) -> bool:
        """Send the next one; False when the server did not answer."""
        number = self.next
        try:
            entry = client.confirm("default", reference(number, frames=FRAMES), external_id=str(number))
        except UnavailableError:
            if self.dice.random() < 0.5:
                self.given_up.add(number)
                self.next += 1
            return False
        self.acknowledged[number] = entry
        self.next += 1
        return True


def test_kill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Every acknowledged entry of 50 confirms over eight kills is there once, whole and found; verify is clean."""
    dice = random.Random(SEED)
    data, uploads = tmp_path / "data", tmp_path / "uploads"
    confirms = Confirms(dice)
    kills = 0
    while kills < KILLS or len(confirms.acknowledged) < CONFIRMS:
        with serving(data, uploads) as server:
            confirm_until_killed(server, confirms, dice)
        kills += 1
        if kills % 3 == 0:
            kill_while_starting(data, uploads, dice)
    with serving(data, uploads) as server, Client(server.target) as client:
        wait_until_serving(client)
        check_entries(client, confirms)
        assert client.verify() == []
        server.terminate()
        assert server.end() == 0
    assert verified(data) == {"clean": True, "faults": []}


def confirm_until_killed(server: Serving, confirms: Confirms, dice: random.Random) -> None:
    """Confirm a few, and have the server killed within the ones that follow; sometimes while it drains."""
    wanted, delay, drained = dice.randint(3, 7), dice.uniform(0.0, 0.03), dice.random() < 0.3
    with Client(server.target, timeout=20) as client:
        for _ in range(wanted):
            assert confirms.one(client)
        killer = threading.Thread(target=kill_later, args=(server, delay, drained))
        killer.start()
        while confirms.one(client):
            pass
        killer.join()


def kill_later(server: Serving, delay: float, drained: bool) -> None:
    """Kill in `delay` seconds; with `drained` after a SIGTERM as long before, in the middle of the ordered end."""
    time.sleep(delay)
    if drained:
        server.terminate()
        time.sleep(delay)
    server.kill()


def kill_while_starting(data: Path, uploads: Path, dice: random.Random) -> None:
    """Start a server and kill it before or soon after it listens."""
    with serving(data, uploads) as server:
        time.sleep(dice.uniform(0.3, 1.8))
        server.kill()


def check_entries(client: Client, confirms: Confirms) -> None:
    """Each acknowledged entry is listed once and found by digest and by hashes; each other one is whole or absent."""
    page = client.list_entries("default", page_size=1000)
    assert not page.next_page_token
    listed = {entry.external_id: entry for entry in page.items}
    assert len(listed) == len(page.items)
    for number, entry in confirms.acknowledged.items():
        assert listed[str(number)] == entry
    assert set(map(int, listed)) <= set(confirms.acknowledged) | confirms.unanswered
    for name, entry in listed.items():
        whole = reference(int(name), frames=FRAMES)
        assert entry.hashes == whole.quality.size
        for query in (whole.digests, without_digests(whole), excerpt(whole, 4, 20)):
            result = client.match(query)
            assert (result.verdict, [match.entry for match in result.matches]) == (Verdict.BLOCK, [entry.entry])
    stranger = excerpt(reference(10**6, frames=FRAMES), 0, 20)
    assert client.match(stranger).verdict is Verdict.ALLOW


def without_digests(fingerprint: Fingerprint) -> Fingerprint:
    """So that only the hashes can find it."""
    return dataclasses.replace(fingerprint, digests=Digests())


def wait_until_serving(client: Client) -> None:
    """Until matches are answered."""
    deadline = time.monotonic() + 20
    while not client.status().ready:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def verified(data: Path) -> object:
    """What `hashsvc verify` says of the directory."""
    command = [sys.executable, "-m", "hashsvc.cli", "verify", "--data", str(data), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two videos of 4 s."""
    folder = tmp_path_factory.mktemp("films")
    paths = [folder / f"film-{seed}.mp4" for seed in (1, 2)]
    for seed, path in enumerate(paths):
        video.write(path, video.make(seed, seconds=4.0, size=(320, 180), rate=Fraction(20)))
    return paths


def test_kill_while_media_is_streamed(films: list[Path], tmp_path: Path) -> None:
    """Videos sent as bytes to a server that is killed while it receives, hashes or stores them: each is there once."""
    dice = random.Random(MEDIA_SEED)
    data, uploads = tmp_path / "data", tmp_path / "uploads"
    waiting, confirmed, interrupted = list(films), dict[str, Entry](), 0
    for _ in range(MEDIA_KILLS):
        with serving(data, uploads) as server, killing(server, dice.uniform(0.02, 1.5)) as client:
            interrupted += not confirm_films(client, waiting, confirmed)
    assert interrupted
    with serving(data, uploads) as server, Client(server.target) as client:
        assert confirm_films(client, waiting, confirmed)
        assert sorted(entry.external_id for entry in client.list_entries("default").items) == ["film-1", "film-2"]
        for path in films:
            held, said = client.get_entry("default", confirmed[path.stem].entry), confirmed[path.stem]
            # Vaccination, which a kill interrupts, may have changed its card since.
            assert (held.entry, held.sha256, held.hashes) == (said.entry, said.sha256, said.hashes)
            copy = tmp_path / "copy.mp4"
            video.write(copy, edits.mirror(video.read(path)))
            for upload in (path, copy):
                [match] = client.match_media(upload).matches
                assert (match.entry, match.verdict) == (confirmed[path.stem].entry, Verdict.BLOCK)
        assert client.verify() == []
        server.terminate()
        assert server.end() == 0
    assert list(uploads.glob("hashsvc-*")) == []
    assert verified(data) == {"clean": True, "faults": []}


@contextlib.contextmanager
def killing(server: Serving, delay: float) -> Iterator[Client]:
    """A client of a server that is killed `delay` seconds from now."""
    with Client(server.target) as client:
        killer = threading.Thread(target=kill_later, args=(server, delay, False))
        killer.start()
        yield client
        killer.join()


def confirm_films(client: Client, waiting: list[Path], confirmed: dict[str, Entry]) -> bool:
    """Stream what waits; False when the server did not answer."""
    while waiting:
        try:
            entry = client.confirm_media("default", waiting[0], external_id=waiting[0].stem)
        except UnavailableError:
            return False
        confirmed[waiting.pop(0).stem] = entry
    return True
