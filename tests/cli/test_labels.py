"""hashsvc labels."""

from hashsvc.bank.taxonomy import Taxonomy
from tests.cli.conftest import FakeTarget, Invoke, objects


def test_every_label_is_shown(fake: FakeTarget, invoke: Invoke) -> None:
    """One object each with the version that it is of, and a table that says what is retired."""
    taxonomy = Taxonomy.load()
    listed = objects(invoke("labels", "--data", "d", "--format", "json"))
    assert [one["label"] for one in listed] == [one.label for one in taxonomy.labels]
    assert {one["version"] for one in listed} == {taxonomy.version}
    assert {one["label"]: one["current"] for one in listed}["content-incident-protocol"] is False
    table = invoke("labels", "--data", "d").stdout
    assert "retired, replaced by perpetrator-content-incident" in table and taxonomy.version in table


def test_a_bank_is_kept_to_them(fake: FakeTarget, invoke: Invoke) -> None:
    """Only where that is asked for, until it is taken back."""
    at = ("--data", "d", "--format", "json")
    assert objects(invoke("bank", "create", *at, "a"))[0]["taxonomy_only"] is False
    assert objects(invoke("bank", "create", *at, "--taxonomy-only", "b"))[0]["taxonomy_only"] is True
    assert objects(invoke("bank", "update", *at, "--description", "x", "b"))[0]["taxonomy_only"] is True
    assert objects(invoke("bank", "update", *at, "--free-labels", "b"))[0]["taxonomy_only"] is False
