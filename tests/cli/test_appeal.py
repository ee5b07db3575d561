"""hashsvc appeal."""

from pathlib import Path

import pytest

from hashsvc.service import Service
from tests.cli.conftest import FakeTarget, Invoke, objects
from tests.decisions.conftest import COPY, confirmed


def test_open_list_show(fake: FakeTarget, invoke: Invoke) -> None:
    """What is said is passed on and shown."""
    opened = invoke(
        "appeal", "open", "--data", "d", "--decision", "2", "--content-id", "c", "--by", "ann", "--text", "mine",
        "--format", "json",
    )  # fmt: skip
    [record] = objects(opened)
    assert (record["decision"], record["content_id"], record["appellant"], record["text"]) == (2, "c", "ann", "mine")
    for _ in range(3):
        invoke("appeal", "open", "--data", "d", "--content-id", "x", "--text", "y")
    listed = objects(
        invoke("appeal", "list", "--data", "d", "--state", "open", "--content-id", "c", "--format", "json")
    )
    assert [one["appeal"] for one in listed] == ["a0", "a1", "a2", "a3"]
    assert fake.asked == {"state": "open", "content_id": "c"}
    shown = invoke("appeal", "show", "--data", "d", "a0").stdout
    assert "said: mine" in shown and "default/e1" in shown and "BLOCK" in shown


def test_decide_and_reinstate(fake: FakeTarget, invoke: Invoke) -> None:
    """The outcome and the revision are passed on."""
    invoke("appeal", "open", "--data", "d", "--content-id", "x", "--text", "y")
    [upheld] = objects(
        invoke(
            "appeal", "decide", "--data", "d", "--upheld", "--reason", "r", "--revision", "3", "--format", "json", "a0"
        )
    )
    assert fake.asked == {"upheld": True, "reason": "r", "dispute": None, "revision": 3}
    assert (upheld["state"], upheld["disputed"]) == ("upheld", [{"bank": "default", "entry": "e1"}])
    invoke("appeal", "decide", "--data", "d", "--rejected", "--reason", "r", "a0")
    assert fake.asked == {"upheld": False, "reason": "r", "dispute": None, "revision": 0}
    decide = ("appeal", "decide", "--data", "d", "--upheld", "--reason", "r")
    invoke(*decide, "--dispute", "default/e1", "--dispute", "b/e2", "a0")
    assert fake.asked["dispute"] == [("default", "e1"), ("b", "e2")]
    invoke(*decide, "--dispute-none", "a0")
    assert fake.asked["dispute"] == []
    assert "2026-01-02" in invoke("appeal", "reinstate", "--data", "d", "a0").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("open", "--text", "t"),
        ("open", "--content-id", "c"),
        ("decide", "--upheld", "a"),
        ("decide", "--reason", "r", "a"),
        ("decide", "--upheld", "--reason", "r", "--dispute", "e1", "a"),
        ("decide", "--upheld", "--reason", "r", "--dispute", "b/e1", "--dispute-none", "a"),
        ("list", "--state", "lost"),
    ],
    ids=" ".join,
)
def test_bad_usage(fake: FakeTarget, invoke: Invoke, words: tuple[str, ...]) -> None:
    """What is missing is asked for."""
    assert invoke("appeal", words[0], "--data", "d", *words[1:]).exit_code == 2


def test_on_a_data_directory(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people of the system: one opens, the other decides, and the log has both."""
    data = tmp_path / "data"
    with Service.open(data) as service:
        entry = confirmed(service)
        service.match(COPY, content_id="post-1")
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    [opened] = objects(
        invoke("appeal", "open", "--data", data, "--content-id", "post-1", "--text", "mine", "--format", "json")
    )
    alone = invoke("appeal", "decide", "--data", data, "--upheld", "--reason", "r", opened["appeal"])
    assert (alone.exit_code, "SECOND_PERSON_REQUIRED" in alone.stderr) == (2, True)
    monkeypatch.setattr("getpass.getuser", lambda: "ben")
    assert invoke("appeal", "decide", "--data", data, "--upheld", "--reason", "r", opened["appeal"]).exit_code == 0
    assert invoke("appeal", "reinstate", "--data", data, opened["appeal"]).exit_code == 0
    [shown] = objects(invoke("entry", "show", "--data", data, "--format", "json", entry.entry))
    assert shown["state"] == "disputed"
    steps = objects(invoke("decisions", "--data", data, "--kind", "appeal", "--format", "json"))
    assert [(one["action"], one["actor"]) for one in steps] == [
        ("open", "local:ann"), ("uphold", "local:ben"), ("reinstate", "local:ben"),
    ]  # fmt: skip
    assert invoke("verify", "--data", data).exit_code == 0
