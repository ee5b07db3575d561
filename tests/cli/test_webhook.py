"""hashsvc webhook."""

from pathlib import Path

from tests.cli.conftest import FakeTarget, Invoke, objects

URL = "https://alerts.example/hook"


def test_add_tells_the_secret_once(fake: FakeTarget, invoke: Invoke) -> None:
    """In the answer of `add`, and not in the list."""
    result = invoke("webhook", "add", "--data", "d", "--format", "json", "--type", "t", "--description", "police", URL)
    (made,) = objects(result)
    assert (made["url"], made["types"], made["description"], made["active"]) == (URL, ["t"], "police", True)
    assert made["secret"] == "whsec_made"
    assert "whsec_made" in invoke("webhook", "add", "--data", "d", URL).stdout
    for words in (("--format", "json"), ()):
        listed = invoke("webhook", "list", "--data", "d", *words).stdout
        assert "whsec" not in listed and "HTTP 500" in listed


def test_a_secret_comes_from_a_file(fake: FakeTarget, invoke: Invoke, tmp_path: Path) -> None:
    """Without the line break; a file that is not there or empty is bad usage."""
    file = tmp_path / "secret"
    file.write_text("whsec_given\n")
    result = invoke("webhook", "add", "--data", "d", "--secret-file", file, "--paused", "--format", "json", URL)
    assert objects(result)[0]["secret"] == "whsec_given"
    assert not fake.webhooks["00f1a2b3c4d5e6f7"].active
    file.write_text("\n")
    for path in (file, tmp_path / "none"):
        assert invoke("webhook", "add", "--data", "d", "--secret-file", path, URL).exit_code == 2


def test_pause_resume_remove(fake: FakeTarget, invoke: Invoke) -> None:
    """Each does what it says; one that there is not is told by its reason."""
    fake.add_webhook(URL)
    name = "00f1a2b3c4d5e6f7"
    assert objects(invoke("webhook", "pause", "--data", "d", "--format", "json", name))[0]["active"] is False
    assert "paused" in invoke("webhook", "list", "--data", "d").stdout
    assert objects(invoke("webhook", "resume", "--data", "d", "--format", "json", name))[0]["active"] is True
    assert invoke("webhook", "remove", "--data", "d", name).exit_code == 0
    assert not fake.webhooks
    again = invoke("webhook", "remove", "--data", "d", name)
    assert again.exit_code == 2
    assert "(WEBHOOK_NOT_FOUND)" in again.stderr
