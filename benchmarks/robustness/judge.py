"""What is right about pairs of query and reference, and how a system's scores compare with that."""

import dataclasses
from collections.abc import Iterable, Sequence
from functools import cached_property

from benchmarks.corpus import Video
from benchmarks.robustness import metrics
from benchmarks.robustness.copies import Copy
from benchmarks.robustness.metrics import NOTHING
from benchmarks.robustness.peers.compare import Scores

Pair = tuple[str, str]
"""The query's file name and the reference's name."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Truth:
    """Which pairs are right, which are wrong, and which are neither.

    A copy is right with its source, and the clips of the folder with no reference. Wrong are all other pairs but those
    of files that share footage: a clip with itself or its group, and a copy with what its other footage is from.
    """

    references: Sequence[Video]
    clips: Sequence[Video]
    """Every video of the folder, each tried as an upload."""
    copies: Sequence[Copy]

    @cached_property
    def wrong(self) -> frozenset[Pair]:
        """All pairs that share no footage."""
        groups = {video.name: video.group for video in self.clips}
        shown = {clip.path.name: {clip.group} for clip in self.clips}
        shown |= {copy.name: {groups[one] for one in (copy.source, copy.other) if one} for copy in self.copies}
        return frozenset(
            (query, reference.name)
            for query, known in shown.items()
            for reference in self.references
            if reference.group not in known
        )

    @cached_property
    def alike(self) -> frozenset[Pair]:
        """Those of the wrong pairs that are of one scene: the copies' sources, or the clips themselves."""
        scenes = {clip.name: clip.scene for clip in self.clips}
        seen = {clip.path.name: clip.scene for clip in self.clips}
        seen |= {copy.name: scenes[copy.source] for copy in self.copies}
        return frozenset(pair for pair in self.wrong if seen[pair[0]] and seen[pair[0]] == scenes[pair[1]])


def right(copy: Copy) -> Pair:
    """The pair of a copy and its source."""
    return copy.name, copy.source


@dataclasses.dataclass(frozen=True, kw_only=True)
class System:
    """hashsvc or a peer, with what it says of all pairs."""

    name: str
    about: str
    default: float
    """A score that makes a match by default."""
    scores: Scores
    truth: Truth

    @cached_property
    def highest_wrong(self) -> float:
        """What a match must score above, for there to be no false positive in the run."""
        return metrics.highest(self.score(pair) for pair in self.truth.wrong)

    @cached_property
    def false(self) -> frozenset[Pair]:
        """Wrong pairs that match at the default."""
        return frozenset(pair for pair in self.truth.wrong if self.score(pair) >= self.default)

    def score(self, pair: Pair) -> float:
        return self.scores.get(pair, NOTHING)

    def surely(self, copy: Copy) -> bool:
        """Whether the copy is found at the best threshold without a false positive."""
        return self.score(right(copy)) > self.highest_wrong

    def by_default(self, copy: Copy) -> bool:
        """Whether it is found at the default threshold."""
        return self.score(right(copy)) >= self.default

    def recall(self, copies: Iterable[Copy]) -> float | None:
        """Share found at zero false positives, 0-1; None for no copies."""
        return metrics.share(self.surely(copy) for copy in copies)

    def default_recall(self, copies: Iterable[Copy]) -> float | None:
        """Share found at the default, 0-1; None for no copies."""
        return metrics.share(self.by_default(copy) for copy in copies)

    def micro_average_precision(self, copies: Iterable[Copy]) -> float | None:
        """Over all pairs of the run but the copies that are not among these, 0-1."""
        chosen = {copy.name for copy in copies}
        others = {copy.name for copy in self.truth.copies} - chosen
        return metrics.micro_average_precision(
            [self.score(right(copy)) for copy in self.truth.copies if copy.name in chosen],
            [self.score(pair) for pair in self.truth.wrong if pair[0] not in others],
        )
