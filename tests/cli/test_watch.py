"""hashsvc watch."""

from hashsvc.events.model import Event
from tests.cli.conftest import NOW, FakeTarget, Invoke, objects


def test_prints_an_event_a_line(fake: FakeTarget, invoke: Invoke) -> None:
    """The CloudEvent and its number; what is asked for is passed on."""
    fake.events = [
        Event(id=f"e-{n}", type="t", source="s", subject="default/e1", time=NOW, data={"n": n}, number=n)
        for n in (4, 9)
    ]
    result = invoke(
        "watch", "--data", "d", "--after", "3", "--type", "org.hashsvc.retro.hits", "--bank", "b", "--entry", "e",
        "--stop-at-end",
    )  # fmt: skip
    first, second = objects(result)
    assert (first["number"], first["specversion"], first["id"], first["data"]) == (4, "1.0", "e-4", {"n": 4})
    assert second["number"] == 9
    assert fake.watched == (3, ("org.hashsvc.retro.hits",), "b", "e", True)


def test_without_a_number_it_begins_now(fake: FakeTarget, invoke: Invoke) -> None:
    """0 and no number are two things."""
    assert invoke("watch", "--data", "d").exit_code == 0
    assert fake.watched == (None, (), "", "", False)
