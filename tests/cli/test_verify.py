"""hashsvc verify."""

from tests.cli.conftest import FakeTarget, Invoke, objects


def test_clean(fake: FakeTarget, invoke: Invoke) -> None:
    """No fault: status 0, said in words and in JSON."""
    result = invoke("verify", "--data", "d")
    assert (result.exit_code, result.stdout) == (0, "clean: store and index agree\n")
    assert objects(invoke("verify", "--data", "d", "--format", "json")) == [{"clean": True, "faults": []}]


def test_faults_are_named(fake: FakeTarget, invoke: Invoke) -> None:
    """Every fault is printed, and the status is 1."""
    fake.faults = ["entry e1 has 3 hashes in the index and 4 in the store"]
    result = invoke("verify", "--data", "d")
    assert result.exit_code == 1
    assert fake.faults[0] in result.stdout
    assert objects(invoke("verify", "--data", "d", "--format", "json")) == [{"clean": False, "faults": fake.faults}]
