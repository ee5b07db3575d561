"""Data directories that are too new, cannot be written or have no room: a clear error, and nothing lost."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import lmdb
import pytest

from hashsvc.client import Client
from hashsvc.service import Service
from hashsvc_index import records
from hashsvc_index.errors import StoreFullError
from tests import bad_media
from tests.server.background import background, excerpt, reference
from tests.unharmed import FRAMES, KNOWN, check_works, run, state

MAKING = ("confirm", "serve")
"""Commands that make a data directory where there is none."""
COMMANDS = (*MAKING, "match")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with good.mp4."""
    folder = tmp_path_factory.mktemp("films")
    bad_media.make_good(folder)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory that knows one video, open nowhere."""
    with Service.open(tmp_path / "data") as service:
        service.confirm("default", KNOWN, external_id="known")
    return tmp_path / "data"


def check_refused(data: Path, films: Path, reason: str, commands: Sequence[str] = COMMANDS) -> None:
    """Whatever is asked of the directory, the command ends with 2, and one line that gives the reason."""
    good = [str(films / "good.mp4")]
    arguments = {"confirm": good, "match": good, "serve": ["--listen", "127.0.0.1:0"]}
    for command in commands:
        status, answers, stderr = run(command, "--data", data, *arguments.get(command, []))
        assert (status, answers) == (2, [])
        assert stderr.splitlines()[-1].startswith("hashsvc: ")
        assert stderr.splitlines()[-1].endswith(f"({reason})")
        assert "Traceback" not in stderr


def set_format(data: Path, version: int) -> None:
    """Have the directory say that it was written in a format."""
    with lmdb.open(str(data / "store"), max_dbs=len(records.TABLES)) as environment:
        meta = environment.open_db(b"meta")
        with environment.begin(write=True) as transaction:
            body = records.number_key(version)
            transaction.put(records.KEY_FORMAT, records.seal(records.KEY_FORMAT, body), db=meta)


def test_newer_format(data: Path, films: Path) -> None:
    """A directory of a later version is refused by every command, and not a byte of it changes."""
    set_format(data, records.FORMAT + 1)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file() and path.name != "lock.mdb"}
    check_refused(data, films, "DATA_FORMAT_TOO_NEW")
    after = {path: path.read_bytes() for path in data.rglob("*") if path.is_file() and path.name != "lock.mdb"}
    assert after == before
    set_format(data, records.FORMAT)
    with Service.open(data) as service:
        check_works(service)


@contextlib.contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Nothing below `path` can be written: by its modes, or, for root, whom modes do not stop, by a mount."""
    if os.geteuid():
        modes = {one: one.stat().st_mode for one in (path, *path.rglob("*"))}
        for one, mode in modes.items():
            one.chmod(mode & 0o555)
        yield
        for one, mode in modes.items():
            one.chmod(mode)
        return
    with mounted(path, "--bind", str(path)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(path)], check=True)
        yield


@contextlib.contextmanager
def mounted(path: Path, *arguments: str) -> Iterator[None]:
    """Mount something at `path`; skips the test where that is not permitted."""
    command = ["mount", *arguments, str(path)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def test_read_only_directory(data: Path, films: Path) -> None:
    """A directory that cannot be written is refused by every command, and works when it can."""
    with read_only(data):
        check_refused(data, films, "DATA_DIRECTORY_READ_ONLY")
    with Service.open(data) as service:
        check_works(service)
    with read_only(data.parent):
        check_refused(data.parent / "new", films, "DATA_DIRECTORY_READ_ONLY", MAKING)


def test_full_disk(tmp_path: Path, films: Path) -> None:
    """With no room a confirm is STORE_FULL and leaves nothing; matches and verify go on, and confirms when there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, "-t", "tmpfs", "-o", "size=6m", "tmpfs"):
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(2 << 20))
        with (
            background(lambda: Service.open(disk / "data")) as server,
            Client(server.target) as client,
        ):
            client.confirm("default", KNOWN, external_id="known")
            fill(client)
            swell(ballast)
            entries = state(client)[1]
            status, [answer], _ = run("confirm", "--data", disk / "data", "--format", "json", films / "good.mp4")
            assert (status, answer["error"]["reason"]) == (2, "STORE_FULL")
            status, [answer], _ = run("match", "--data", disk / "data", "--format", "json", films / "good.mp4")
            assert (status, answer["verdict"]) == (0, "ALLOW")
            assert client.verify() == []
            for entry in entries[1:]:
                if not entry.external_id.isdigit():
                    continue
                query = excerpt(reference(int(entry.external_id), frames=FRAMES), 4, 20)
                assert client.match(query).matches[0].entry == entry.entry
            ballast.unlink()
            check_works(client)


def swell(ballast: Path) -> None:
    """Take what room is left, to the last block."""
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def fill(client: Client) -> None:
    """Confirm until there is no room; what is refused changes nothing, however often it is tried."""
    for seed in range(100, 400):
        before = state(client)
        try:
            client.confirm("default", reference(seed, frames=FRAMES), external_id=str(seed))
        except StoreFullError as error:
            assert error.reason == "STORE_FULL"
            break
    assert len(before[1]) > 3
    for frames in (FRAMES // 4, 2):  # what room a whole entry leaves is used up too
        for small in range(200):
            before = state(client)
            try:
                client.confirm(
                    "default", reference(1000 * frames + small, frames=frames), external_id=f"{frames}-{small}"
                )
            except StoreFullError:
                break
    for _ in range(3):
        with pytest.raises(StoreFullError):
            client.confirm("default", reference(seed, frames=FRAMES), external_id=str(seed))
        assert state(client) == before


def test_file_size_limit(data: Path, films: Path) -> None:
    """A process that may not write larger files is told STORE_FULL, and the next one without the limit works."""
    length = (data / "store" / "data.mdb").stat().st_size
    prelude = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({length}, {length}))"
    program = f"{prelude}; from hashsvc.cli import main; main(prog_name='hashsvc')"
    arguments = ["confirm", "--data", str(data), "--format", "json", str(films / "good.mp4")]
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["reason"] == "STORE_FULL"
    with Service.open(data) as service:
        assert [entry.external_id for entry in state(service)[1]] == ["known"]
        check_works(service)
    status, [answer], _ = run(*arguments)
    assert (status, answer["external_id"]) == (0, "good")
