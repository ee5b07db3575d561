"""How closely open incidents want uploads read."""

import dataclasses
from collections.abc import Collection, Mapping

from hashsvc.bank.model import Depth


@dataclasses.dataclass(frozen=True, slots=True)
class Depths:
    """What is asked for beside the banks' policies."""

    by_bank: Mapping[str, frozenset[Depth]] = dataclasses.field(default_factory=dict)

    def of(self, banks: Collection[str]) -> frozenset[Depth]:
        """What is asked for in these banks; none: in any."""
        chosen = banks or self.by_bank
        return frozenset().union(*(self.by_bank[bank] for bank in chosen if bank in self.by_bank))
