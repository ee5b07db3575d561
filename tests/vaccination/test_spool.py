"""Signs and bytes of what is under way."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hashsvc.vaccination.spool import MEDIA, Spool

CLAIMER = """
import sys, tempfile
from pathlib import Path
from hashsvc.vaccination.spool import Spool
claim = Spool(Path(sys.argv[1])).claim("e")
claim.hold(Path(sys.argv[2]))
claim.report(0.25)
print(claim.folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory, and a temporary directory of the test's own."""
    for name in ("data", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path / "data"


@pytest.fixture
def media(data: Path) -> Path:
    """Some bytes."""
    path = data.parent / "upload"
    path.write_bytes(b"bytes" * 100)
    return path


def test_claim_until_release(data: Path, media: Path) -> None:
    """An entry is worked on by one at a time, with its bytes kept, and nothing is left afterwards."""
    spool, other = Spool(data), Spool(data)
    claim = spool.claim("e")
    assert claim is not None
    claim.hold(media)
    media.unlink()
    assert (claim.folder / MEDIA).read_bytes() == b"bytes" * 100
    assert claim.folder.stat().st_mode & 0o777 == 0o700
    assert data not in claim.folder.parents
    claim.report(0.5)
    assert (other.share("e"), other.share("f")) == (0.5, None)
    assert other.claim("e") is None
    other.clean()
    assert other.share("e") == 0.5
    claim.release()
    assert other.share("e") is None
    assert not claim.folder.exists()
    assert list((data / "vaccination").iterdir()) == []
    again = other.claim("e")
    assert again is not None
    again.release()


def test_killed_process(data: Path, media: Path) -> None:
    """What a killed process worked on is nobody's, and its bytes go when the directory is cleaned."""
    command = [sys.executable, "-c", CLAIMER, str(data), str(media)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        spool = Spool(data)
        assert spool.share("e") == 0.25
        spool.clean()
        assert (folder / MEDIA).exists()
        process.kill()
    assert spool.share("e") is None
    spool.clean()
    assert not folder.exists()
    assert list((data / "vaccination").iterdir()) == []


def test_foreign_files_are_harmless(data: Path, media: Path) -> None:
    """A sign that names something else than a folder of ours removes nothing but itself."""
    precious = data.parent / "precious"
    precious.mkdir()
    (data / "vaccination").mkdir()
    (data / "vaccination" / "e").write_text(f'{{"progress": "0.1", "folder": "{precious}"}}')
    (data / "vaccination" / "f").write_text("what")
    Spool(data).clean()
    assert precious.exists()
    assert list((data / "vaccination").iterdir()) == []


def test_cannot_be_written(data: Path) -> None:
    """Where there is no room for signs it is an OSError, with nothing left behind."""
    (data / "vaccination").write_bytes(b"")
    with pytest.raises(OSError):
        Spool(data).claim("e")
    assert list((data.parent / "temporary").iterdir()) == []
