"""How an index searches, follows its store and saves."""

import dataclasses

from hashsvc_index.tiers import TierSettings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings(TierSettings):
    """How the index follows, searches and saves."""

    poll_seconds: float = 0.05
    """How often the store is asked for changes of other processes."""
    saves: bool = True
    """Whether this process may be the one that saves checkpoints and makes cold slabs."""
    threads: int = 0
    """Threads that one search may use when no other runs; 0 is one for each core that this process may use."""
    checkpoint_hashes: int = 1_000_000
    """A checkpoint is saved when so many vectors were added since the last,"""
    checkpoint_seconds: float = 300.0
    """or when something changed and so much time has passed."""
