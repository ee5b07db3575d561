"""When a quick reading of an upload calls for a deep one."""

import math
from collections.abc import Iterable

from hashsvc.config import HintSettings
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.extend import Finding

_PARTS = frozenset({"framed", "moving", "busy"})
"""Views of a part inside borders that no player makes, and of one that moves while the rest stands still."""


def is_hint(query: Fingerprint, findings: Iterable[Finding], settings: HintSettings = HintSettings()) -> bool:
    """Whether something was nearly found, or the picture looks put together."""
    evidence = math.log10(settings.chance_matches) if settings.chance_matches else -math.inf
    return any(finding.evidence <= evidence for finding in findings) or is_put_together(query, settings)


def is_put_together(query: Fingerprint, settings: HintSettings = HintSettings()) -> bool:
    """Whether the picture looks as if it was put together from others, or filmed off a screen."""
    inside = sum(view.startswith("inside-") for view in query.views)
    return inside >= settings.insets or not _PARTS.isdisjoint(query.views)
