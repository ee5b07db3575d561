"""When a quick reading of an upload calls for a deep one."""

from collections.abc import Iterable

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.extend import Finding

EVIDENCE = 3.0
"""Far from a match, but worth a closer look: one in ten of unrelated uploads comes so near some entry of a small bank."""
_PASTED = 2
"""So many pictures inside the picture look like a paste-up; ordinary footage has one at most, by chance."""
_PARTS = frozenset({"framed", "moving", "busy"})
"""Views of a part inside borders that no player makes, and of one that moves while the rest stands still."""


def is_hint(query: Fingerprint, findings: Iterable[Finding]) -> bool:
    """Whether something was nearly found, or the picture looks put together."""
    return any(finding.evidence <= EVIDENCE for finding in findings) or is_put_together(query)


def is_put_together(query: Fingerprint) -> bool:
    """Whether the picture looks as if it was put together from others, or filmed off a screen."""
    inside = sum(view.startswith("inside-") for view in query.views)
    return inside >= _PASTED or not _PARTS.isdisjoint(query.views)
