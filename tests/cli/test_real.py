"""The commands on a real data directory and a real server, with videos made here."""

import json
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hashsvc.demo import edits, process, video
from tests.cli.conftest import Invoke, objects

SIZE = (320, 180)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An original of 8 s, a mirrored copy, 5 s of it, an unrelated video, and text that calls itself a video."""
    folder = tmp_path_factory.mktemp("films")
    paths = {name: folder / f"{name}.mp4" for name in ("original", "mirrored", "clip", "unrelated", "text")}
    video.write(paths["original"], video.make(1, seconds=8.0, size=SIZE, rate=Fraction(20)))
    video.write(paths["mirrored"], edits.mirror(video.read(paths["original"])))
    video.write(paths["clip"], edits.cut(2.0, 5.0)(video.read(paths["original"])))
    video.write(paths["unrelated"], video.make(2, seconds=6.0, size=SIZE, rate=Fraction(20)))
    paths["text"].write_text("this is no video\n" * 100)
    return paths


@pytest.fixture(scope="module")
def data(films: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which the original is confirmed, by the command itself in a process of its own."""
    folder = tmp_path_factory.mktemp("real") / "data"
    (answer,) = run("confirm", "--data", folder, "--format", "json", "--label", "drill", films["original"])
    assert set(answer) == {"file", "bank", "entry", "external_id", "revision", "state", "reason"}
    assert (answer["bank"], answer["external_id"]) == ("default", "original")
    return folder


@pytest.fixture(scope="module")
def server(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of a server on that directory."""
    with process.running(data, tmp_path_factory.mktemp("log") / "server.log") as address:
        yield address


def run(*args: object, status: int = 0) -> list[dict[str, Any]]:
    """Run the command in a process of its own; the objects on its stdout."""
    command = [sys.executable, "-m", "hashsvc.cli", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_answers(answers: list[dict[str, Any]]) -> None:
    """What the mirrored copy, the excerpt, the unrelated video and the text must get, in this order."""
    mirrored, clip, unrelated, text = answers
    assert [answer["verdict"] for answer in (mirrored, clip, unrelated)] == ["BLOCK", "BLOCK", "ALLOW"]
    assert mirrored["matches"][0]["external_id"] == "original"
    assert "mirror" in mirrored["matches"][0]["segments"][0]["view"]
    segment = clip["matches"][0]["segments"][0]
    offset = segment["reference_start"] - segment["query_start"]
    assert offset == pytest.approx(2.0, abs=0.3)
    assert unrelated["matches"] == []
    assert text["error"]["reason"] == "MEDIA_UNREADABLE"


@pytest.fixture
def uploads(films: dict[str, Path]) -> list[Path]:
    """In the order that `check_answers` wants."""
    return [films[name] for name in ("mirrored", "clip", "unrelated", "text")]


def test_match_embedded(data: Path, uploads: list[Path]) -> None:
    """Copies are blocked, the unrelated video is allowed, text is an error, and the status is 2 for it."""
    check_answers(run("match", "--data", data, "--format", "json", *uploads, status=2))


@pytest.mark.parametrize("how", [(), ("--upload",)], ids=["hashed here", "hashed there"])
def test_match_over_grpc(server: str, uploads: list[Path], how: tuple[str, ...]) -> None:
    """The server gives the same answers, whichever side hashes."""
    check_answers(run("match", "--server", server, *how, "--format", "json", *uploads, status=2))


def test_a_missing_bank_is_an_error_a_file(server: str, data: Path, invoke: Invoke, films: dict[str, Path]) -> None:
    """Embedded or over gRPC, an unknown bank has the same reason."""
    for target in (("--data", data), ("--server", server)):
        result = invoke("match", *target, "--bank", "nope", "--format", "json", films["unrelated"])
        assert result.exit_code == 2
        assert objects(result)[0]["error"]["reason"] == "BANK_NOT_FOUND"


def test_an_entry_from_confirm_to_withdrawal(server: str, data: Path, invoke: Invoke, films: dict[str, Path]) -> None:
    """Confirmed beside the running server it is exported and blocks; withdrawn over gRPC it does neither."""
    assert invoke("bank", "create", "--server", server, "drills").exit_code == 0
    confirm = invoke("confirm", "--data", data, "--bank", "drills", "--format", "json", films["unrelated"])
    entry = objects(confirm)[0]["entry"]
    shown = objects(invoke("entry", "show", "--server", server, "--bank", "drills", "--format", "json", entry))[0]
    assert (shown["external_id"], shown["state"]) == ("unrelated", "confirmed")
    export = ("export", "--server", server, "--bank", "drills", "--format", "jsonl")
    assert shown["sha256"] in invoke(*export).stdout
    match = ("match", "--data", data, "--bank", "drills", "--exit-code", films["unrelated"])
    assert invoke(*match).exit_code == 1
    withdraw = invoke("entry", "withdraw", "--server", server, "--bank", "drills", "--reason", "drill over", entry)
    assert withdraw.exit_code == 0
    assert invoke(*match).exit_code == 0
    assert shown["sha256"] not in invoke(*export).stdout
    (listed,) = objects(invoke("entry", "list", "--data", data, "--bank", "drills", "--format", "json"))
    assert (listed["state"], listed["reason"]) == ("withdrawn", "drill over")


def test_verify_is_clean(server: str, data: Path, invoke: Invoke) -> None:
    """Store and index agree, asked of the server and of the directory beside it."""
    for target in (("--data", data), ("--server", server)):
        result = invoke("verify", *target, "--format", "json")
        assert objects(result) == [{"clean": True, "faults": []}]


def test_fingerprint_shows_hashes(invoke: Invoke, films: dict[str, Path]) -> None:
    """Every frame has as many hashes as there are views; a reference has more frames than an upload, however it is read."""
    counts = []
    for reading in ("quick", "deep", "reference"):
        (shown,) = objects(invoke("fingerprint", "--reading", reading, "--format", "json", films["original"]))
        assert shown["duration"] == pytest.approx(8.0, abs=0.1)
        for frame in shown["frames"]:
            assert len(frame["hashes"]) == len(frame["quality"]) == len(shown["views"])
            assert len(bytes.fromhex(frame["hashes"][0])) == 32
        counts.append(len(shown["frames"]))
    assert counts[2] > counts[0] == counts[1] >= 12


def test_no_server_is_one_line(invoke: Invoke) -> None:
    """A port on which nobody listens gives a reason and no traceback."""
    result = invoke("bank", "list", "--server", "127.0.0.1:1")
    assert result.exit_code == 2
    assert result.stderr.startswith("hashsvc: ")
    assert result.stderr.count("\n") == 1


def test_what_a_look_holds_back_is_told(films: dict[str, Path], tmp_path: Path, invoke: Invoke) -> None:
    """A clip of a film that an allow bank holds becomes a candidate, and `confirm` says so, as a table and as an object."""
    data, config = ("--data", tmp_path / "data"), tmp_path / "hashsvc.toml"
    config.write_text('[dry_run]\nknown_good = "films"\nseconds = 60.0\n')
    assert invoke("bank", "create", *data, "films", "--mode", "allow").exit_code == 0
    (film,) = objects(
        invoke("confirm", *data, "--config", config, "--bank", "films", "--format", "json", films["original"])
    )
    assert (film["state"], film["reason"]) == ("confirmed", "")
    (clip,) = objects(invoke("confirm", *data, "--config", config, "--format", "json", films["clip"]))
    assert (clip["state"], clip["reason"]) == (
        "candidate",
        "would find at least 1 known-good video: takes a second person",
    )
    table = " ".join(invoke("confirm", *data, "--config", config, films["clip"]).stdout.split())
    assert "candidate" in table and "known-good" in table
    passed = objects(invoke("match", *data, "--config", config, "--format", "json", films["mirrored"]))[0]
    assert (passed["verdict"], passed["matches"]) == ("ALLOW", [])
