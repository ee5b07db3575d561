"""hashsvc bank."""

import dataclasses

from hashsvc.bank.model import Policy, Rule, Verdict
from tests.cli.conftest import FakeTarget, Invoke, objects


def test_create_gives_the_policy_asked_for(fake: FakeTarget, invoke: Invoke) -> None:
    """Thresholds that are given are set, the others are the defaults."""
    result = invoke(
        "bank", "create", "--data", "d", "--format", "json", "--block-coverage", "0.3", "--description", "x", "drills"
    )
    (made,) = objects(result)
    assert made["policy"] == dataclasses.asdict(Policy(block_coverage=0.3)) | {"rules": []}
    assert (made["bank"], made["description"], made["created_at"]) == ("drills", "x", "2026-01-02T03:04:05+00:00")


def test_list_reads_every_page(fake: FakeTarget, invoke: Invoke) -> None:
    """Five banks on pages of two are five lines."""
    for name in "abcd":
        fake.create_bank(name)
    result = invoke("bank", "list", "--data", "d", "--format", "json")
    assert [bank["bank"] for bank in objects(result)] == ["default", "a", "b", "c", "d"]


def test_update_keeps_what_is_not_given(fake: FakeTarget, invoke: Invoke) -> None:
    """One threshold changes; description and the other thresholds stay."""
    fake.create_bank("b", description="kept", policy=Policy(block_evidence=-20.0))
    result = invoke("bank", "update", "--data", "d", "--review-evidence", "-6", "b")
    assert result.exit_code == 0
    assert fake.banks["b"].policy == Policy(block_evidence=-20.0, review_evidence=-6.0)
    assert fake.banks["b"].description == "kept"
    assert "evidence <= -20" in result.stdout


def test_update_of_a_stale_revision_is_refused(fake: FakeTarget, invoke: Invoke) -> None:
    """Another revision than the bank's last gives REVISION_CONFLICT and changes nothing."""
    for change in (("--description", "new"), ("--block-coverage", "0.9")):
        result = invoke("bank", "update", "--data", "d", "--revision", "99", *change, "default")
        assert result.exit_code == 2
        assert "(REVISION_CONFLICT)" in result.stderr
    assert fake.banks["default"].description == ""


def test_update_needs_something_to_change(fake: FakeTarget, invoke: Invoke) -> None:
    """Nothing given is bad usage."""
    assert invoke("bank", "update", "--data", "d", "default").exit_code == 2


def test_an_unknown_bank_is_one_line_with_its_reason(fake: FakeTarget, invoke: Invoke) -> None:
    """The error is told once, on stderr, without a traceback."""
    result = invoke("bank", "get", "--data", "d", "nope")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "hashsvc: no bank 'nope' (BANK_NOT_FOUND)\n"


def test_rules(fake: FakeTarget, invoke: Invoke) -> None:
    """Rules are taken in order, shown as they are typed, replaced as a whole, kept where none is given, and cleared."""
    first, second = "block if evidence<=-6 share>=0.5 seconds>=5 label=incident-7", "review if seconds>=20"
    at = ("--data", "d", "--format", "json")
    (made,) = objects(invoke("bank", "create", *at, "--rule", first, "--rule", second, "b"))
    assert made["policy"]["rules"] == [first, second]
    assert fake.banks["b"].policy.rules[1] == Rule(verdict=Verdict.REVIEW, seconds=20.0)
    (kept,) = objects(invoke("bank", "update", *at, "--block-coverage", "0.9", "b"))
    assert kept["policy"]["rules"] == [first, second]
    assert "2. review if seconds>=20" in " ".join(invoke("bank", "get", "--data", "d", "b").stdout.split())
    (replaced,) = objects(invoke("bank", "update", *at, "--rule", "allow", "b"))
    assert replaced["policy"]["rules"] == ["allow"]
    (cleared,) = objects(invoke("bank", "update", *at, "--no-rules", "b"))
    assert cleared["policy"]["rules"] == []


def test_modes(fake: FakeTarget, invoke: Invoke) -> None:
    """A bank enforces unless told otherwise; a mode that is not given stays."""
    at = ("--data", "d", "--format", "json")
    assert objects(invoke("bank", "create", *at, "a"))[0]["mode"] == "enforce"
    assert objects(invoke("bank", "create", *at, "--mode", "allow", "b"))[0]["mode"] == "allow"
    assert objects(invoke("bank", "update", *at, "--mode", "observe", "a"))[0]["mode"] == "observe"
    assert objects(invoke("bank", "update", *at, "--description", "x", "a"))[0]["mode"] == "observe"
    assert invoke("bank", "update", *at, "--mode", "off", "a").exit_code == 2


def test_what_is_no_rule_is_bad_usage(fake: FakeTarget, invoke: Invoke) -> None:
    """It says what was meant; --rule and --no-rules exclude each other."""
    result = invoke("bank", "update", "--data", "d", "--rule", "block when seconds>=5", "default")
    assert result.exit_code == 2
    assert "write it like 'block if" in " ".join(result.stderr.split())
    assert invoke("bank", "update", "--data", "d", "--rule", "allow", "--no-rules", "default").exit_code == 2
