"""What the law asks of a transparency report, which figure answers it, and what hashsvc cannot know.

Of hosting services in the European Union: Regulation (EU) 2021/784 on terrorist content online (TCO), article 7(3), and
Regulation (EU) 2022/2065 (DSA), article 15(1). In our words; the text of the law counts.
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing that a law asks for."""

    law: str
    asks: str
    figures: tuple[str, ...]
    """Fields of the report in JSON that answer it; none where nothing in it does."""
    unknown: str
    """What the service cannot know of it, and the platform has to add."""


POINTS = (
    Point(
        law="TCO 7(3)(a)",
        asks="measures to identify terrorist content and to remove it or disable access to it",
        figures=("verdicts", "steps"),
        unknown="what people removed after a REVIEW, and what was found by other means than by matching uploads",
    ),
    Point(
        law="TCO 7(3)(b)",
        asks="measures against the reappearance of such content, in particular automated ones",
        figures=("uploads", "enforcement"),
        unknown="copies that were not recognised",
    ),
    Point(
        law="TCO 7(3)(c)",
        asks="items removed after removal orders or specific measures; orders that were not followed, and why",
        figures=("verdicts", "uploads"),
        unknown="removal orders, which hashsvc neither receives nor answers; whether an upload that was not let "
        "through is terrorist content in the sense of the law: the labels are the platform's",
    ),
    Point(
        law="TCO 7(3)(d)",
        asks="complaints, and how they ended",
        figures=("appeals.opened", "appeals.upheld", "appeals.rejected", "appeals.open_at_end"),
        unknown="complaints that nobody entered as appeals",
    ),
    Point(
        law="TCO 7(3)(e)",
        asks="administrative or judicial review that the platform asked for, and how it ended",
        figures=(),
        unknown="all of it",
    ),
    Point(
        law="TCO 7(3)(f)",
        asks="content that had to be reinstated after administrative or judicial review",
        figures=(),
        unknown="all of it",
    ),
    Point(
        law="TCO 7(3)(g)",
        asks="content that was reinstated after a complaint",
        figures=("appeals.reinstated",),
        unknown="what was reinstated and not noted with the appeal",
    ),
    Point(
        law="DSA 15(1)(a)",
        asks="orders of authorities by type of content and Member State, and the median times to answer and follow them",
        figures=(),
        unknown="all of it",
    ),
    Point(
        law="DSA 15(1)(b)",
        asks="notices, those of trusted flaggers among them, by type of content, with the action and the median time to it",
        figures=(),
        unknown="all of it; what became of entries that came from partners is in uploads, by source",
    ),
    Point(
        law="DSA 15(1)(c)",
        asks="moderation at the platform's own initiative: measures by type of content, method of detection and restriction",
        figures=("uploads", "verdicts.exact", "steps"),
        unknown="what people did after a REVIEW, their training and support; whether a measure rests on the law or on "
        "terms and conditions",
    ),
    Point(
        law="DSA 15(1)(d)",
        asks="complaints, their basis, decisions, the median time to them, and how many were reversed",
        figures=("appeals.opened", "appeals.upheld", "appeals.rejected", "appeals.median_seconds"),
        unknown="the basis of complaints other than in their text; complaints that nobody entered as appeals",
    ),
    Point(
        law="DSA 15(1)(e)",
        asks="automated means: what they are for, how accurate, how often wrong, and with which safeguards",
        figures=("appeals.upheld", "held", "steps"),
        unknown="the rate of error: upheld appeals are only those mistakes that somebody objected to, and nobody "
        "counts what was let through by mistake; by which threshold a match was judged is in each decision",
    ),
)
