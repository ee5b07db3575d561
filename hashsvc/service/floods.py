"""Entries that flood."""

from hashsvc.bank import rules
from hashsvc.bank.breaker import Breaker
from hashsvc.bank.model import Page
from hashsvc.errors import InvalidInputError
from hashsvc.service.entries import Entries
from hashsvc.traffic.tally import MOST_HITS


class Floods(Entries):
    """The part of the service that shows and resets breakers."""

    def list_breakers(self, *, page_size: int = 0, page_token: str = "") -> Page[Breaker]:
        """Every breaker that ever tripped, by bank and entry. Raises PAGE_TOKEN_INVALID, FIELD_INVALID."""
        size = self._page_size(page_size)
        rules.check_place_token(page_token)
        self._monitor.settle()
        found = self._monitor.ledger.breakers(page_token, size + 1)
        token = "/".join(found[size - 1].place) if len(found) > size else ""
        return Page(items=tuple(found[:size]), next_page_token=token)

    def get_breaker(self, bank: str, entry: str) -> Breaker:
        """What an entry did until its breaker tripped, and since.

        Raises BANK_NOT_FOUND, ENTRY_NOT_FOUND, PreconditionError BREAKER_NOT_TRIPPED where it never did.
        """
        self.get_entry(bank, entry)
        self._monitor.settle()
        return self._monitor.ledger.breaker((bank, entry))

    def reset_breaker(self, bank: str, entry: str, *, hits: int = 0, actor: str = "") -> Breaker:
        """Let an entry block again, up to `hits` different uploads within the window; 0: as the settings have it.

        Raises InvalidInputError FIELD_INVALID, BANK_NOT_FOUND, ENTRY_NOT_FOUND, PreconditionError BREAKER_NOT_TRIPPED.
        """
        if not 0 <= hits < MOST_HITS:
            raise InvalidInputError("FIELD_INVALID", f"hits is 0 to {MOST_HITS - 1}, not {hits}", field="hits")
        self.get_entry(bank, entry)
        return self._monitor.reset((bank, entry), hits, actor or self._actor)
