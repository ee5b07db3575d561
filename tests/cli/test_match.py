"""hashsvc match."""

from pathlib import Path

from tests.cli.conftest import EXCUSED, FakeTarget, Invoke, objects


def test_json_is_what_was_promised(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """One object a file with exactly the promised keys, times in seconds."""
    result = invoke("match", "--data", "d", "--format", "json", clips["copy"])
    assert objects(result) == [
        {
            "file": str(clips["copy"]),
            "verdict": "BLOCK",
            "observed": None,
            "revision": 7,
            "matches": [
                {
                    "bank": "default",
                    "entry": "e1",
                    "external_id": "attack",
                    "evidence": -41.25,
                    "query_coverage": 0.71,
                    "reference_coverage": 0.5,
                    "state": "confirmed",
                    "breaker": "",
                    "verdict": "BLOCK",
                    "observed": None,
                    "reason": "threshold: block if evidence<=-6 share>=0.5",
                    "segments": [
                        {
                            "query_start": 0.5,
                            "query_end": 14.7,
                            "reference_start": 2.0,
                            "reference_end": 23.3,
                            "speed": 1.5,
                            "view": "full/mirror",
                            "mean_distance": 9.33,
                        }
                    ],
                }
            ],
            "excused": [],
        }
    ]
    assert result.stderr == ""


def test_no_match_is_allowed(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """An upload in which nothing is known has an empty list and status 0."""
    result = invoke("match", "--data", "d", "--format", "json", "--exit-code", clips["harmless"])
    assert result.exit_code == 0
    (answer,) = objects(result)
    assert (answer["file"], answer["verdict"], answer["revision"]) == (str(clips["harmless"]), "ALLOW", 7)
    assert (answer["matches"], answer["excused"]) == ([], [])


def test_an_excuse_is_told(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """What is known and excluded is ALLOW with the entry and the reason, beside other matches too."""
    fake.excused = (EXCUSED,)
    result = invoke("match", "--data", "d", "--format", "json", "--exit-code", clips["harmless"])
    assert (result.exit_code, objects(result)[0]["verdict"]) == (0, "ALLOW")
    assert objects(result)[0]["excused"] == [
        {
            "bank": "default",
            "entry": "e2",
            "external_id": "drive",
            "reason": "excluded part of the entry",
            "seconds": 12.0,
            "by_bank": "",
            "by_entry": "",
            "by_external_id": "",
            "segments": [],
        }
    ]
    table = " ".join(invoke("match", "--data", "d", clips["harmless"], clips["copy"]).stdout.split())
    assert table.count("only harmless parts of drive (12.0 s)") == 2
    assert "14.2 s of 20.0 s" in table and "nothing known" not in table


def test_batch_goes_on_past_a_bad_file(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """A bad file, a missing one and a directory give error objects in their places; the rest is matched; status 2."""
    missing = clips["copy"].parent / "missing.mp4"
    files = [clips["broken"], missing, clips["copy"].parent, clips["copy"]]
    result = invoke("match", "--data", "d", "--format", "json", "--exit-code", *files)
    bad, gone, folder, good = objects(result)
    assert result.exit_code == 2
    assert set(bad) == {"file", "error"}
    assert bad["error"] == {"reason": "MEDIA_UNREADABLE", "message": f"{clips['broken']}:\nnot a video"}
    assert gone["error"]["reason"] == "MEDIA_UNREADABLE"
    assert "No such file" in gone["error"]["message"]
    assert "directory" in folder["error"]["message"]
    assert good["verdict"] == "BLOCK"


def test_answers_come_in_the_order_given(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """A slow first file does not let a later one pass."""
    fake.delays["copy"] = 0.2
    result = invoke("match", "--data", "d", "--format", "json", clips["copy"], clips["harmless"], clips["excerpt"])
    assert [line["verdict"] for line in objects(result)] == ["BLOCK", "ALLOW", "REVIEW"]


def test_exit_code_tells_what_was_found(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """0 without --exit-code; with it 1 for BLOCK and for REVIEW."""
    assert invoke("match", "--data", "d", clips["copy"]).exit_code == 0
    assert invoke("match", "--data", "d", "--exit-code", clips["copy"]).exit_code == 1
    assert invoke("match", "--data", "d", "--exit-code", clips["harmless"], clips["excerpt"]).exit_code == 1


def test_table_explains(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """The table has verdict, entry, why and evidence in words; errors are one line on stderr with the reason."""
    result = invoke("match", "--data", "d", clips["copy"], clips["broken"], clips["harmless"])
    table = " ".join(result.stdout.split())
    for words in ("BLOCK", "attack", "14.2 s of 20.0 s (71 %)", "mirrored", "1.5x speed", "-41.2", "nothing known"):
        assert words in table
    assert result.stderr == f"hashsvc: {clips['broken']}: not a video (MEDIA_UNREADABLE)\n"
    assert result.exit_code == 2


def test_markup_in_a_name_is_printed_as_it_is(fake: FakeTarget, invoke: Invoke, tmp_path: Path) -> None:
    """A file name that rich would read as markup is neither swallowed nor an error."""
    file = tmp_path / "[red][b].mp4"
    file.write_bytes(b"harmless")
    result = invoke("match", "--data", "d", file)
    assert result.exit_code == 0
    assert "[red][b].mp4" in "".join(part.strip(" │┃") for part in result.stdout.splitlines())


def test_banks_and_upload_are_passed_on(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """Every --bank reaches the target, and --upload asks the server to hash."""
    invoke("match", "--server", "s:1", "--upload", "--bank", "a", "--bank", "b", clips["copy"])
    assert fake.matched_banks == ("a", "b")
    choice, create, upload = fake.opened[0]
    assert (choice.server, create, upload) == ("s:1", False, True)


def test_upload_needs_a_server(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """--upload with --data is bad usage."""
    assert invoke("match", "--data", "d", "--upload", clips["copy"]).exit_code == 2
    assert not fake.opened


def test_a_content_id_goes_with_one_file(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """It is the upload's own name, so two files cannot have it."""
    assert invoke("match", "--data", "d", "--content-id", "post-1", clips["copy"]).exit_code == 0
    assert fake.content_ids == ["post-1"]
    refused = invoke("match", "--data", "d", "--content-id", "post-1", clips["copy"], clips["excerpt"])
    assert (refused.exit_code, fake.content_ids) == (2, ["post-1"])
