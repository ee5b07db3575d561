"""Reports are kept side by side, the last of each command."""

from pathlib import Path

from benchmarks import results
from benchmarks.report import Report


def report(value: int) -> Report:
    return Report(name="a", figures={"value": value}, tables={"Rows": [{"x": 1}]}, shortfalls=[])


def test_a_command_has_one_section(tmp_path: Path) -> None:
    """A second run replaces the first where it stands; another command comes behind; places are left out."""
    path = tmp_path / "RESULTS.md"
    results.put(path, "a", ["--hashes", "5", "--data", "/tmp/x"], report(1), 0.5)
    results.put(path, "b", ["--work=/tmp/y"], report(2), 0.5)
    before = path.read_text()
    results.put(path, "a", ["--hashes", "5", "--results", "elsewhere"], report(3), 0.5)
    text = path.read_text()
    assert before.count("| value  | 1") == 1 and text.count("| value  | 1") == 0
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## `python -m benchmarks a --hashes 5`",
        "## `python -m benchmarks b`",
    ]
    assert text.index("| value  | 3") < text.index("## `python -m benchmarks b`") < text.index("| value  | 2")
    assert "/tmp" not in text and "load 0.5" in text
    results.put(path, "a", ["--hashes", "5"], report(3), 0.5)
    assert path.read_text() == text
