"""What makes a quick reading call for a deep one."""

import dataclasses

import pytest

from hashsvc.config import HintSettings
from hashsvc.match.extend import Finding
from hashsvc.match.hint import is_hint
from tests.match.synthetic import an_upload

EVIDENCE = 3.0
UPLOAD = an_upload([(None, 0.0, 10.0, 1.0)])


def finding(evidence: float) -> Finding:
    """Of that evidence."""
    return Finding(evidence=evidence, query_coverage=0.1, reference_coverage=0.1, mean_distance=90.0, segments=())


@pytest.mark.parametrize(
    ("views", "evidence", "hint"),
    [
        (("full",), [], False),
        (("full", "area"), [EVIDENCE + 0.1], False),
        (("full", "inside-1"), [], False),
        (("full", "inside-1", "inside-2"), [], True),
        (("full", "moving"), [], True),
        (("full", "busy"), [], True),
        (("full", "framed"), [], True),
        (("full",), [3.0, EVIDENCE], True),
        (("full",), [-30.0], True),
    ],
)
def test_hint(views: tuple[str, ...], evidence: list[float], hint: bool) -> None:
    """Something nearly found, or a picture that looks put together, and nothing less."""
    upload = dataclasses.replace(UPLOAD, views=views)
    assert is_hint(upload, map(finding, evidence)) is hint


def test_settings_say_what_a_hint_is() -> None:
    """Fewer chance matches and more insets than by default."""
    strict = HintSettings(chance_matches=1.0, insets=3)
    two = dataclasses.replace(UPLOAD, views=("full", "inside-1", "inside-2"))
    assert is_hint(UPLOAD, [finding(1.0)]) and not is_hint(UPLOAD, [finding(1.0)], strict)
    assert is_hint(UPLOAD, [finding(0.0)], strict)
    assert is_hint(two, []) and not is_hint(two, [], strict)
    assert not is_hint(UPLOAD, [finding(-300.0)], HintSettings(chance_matches=0.0))
