"""Who may call servers on the directory."""

from hashsvc.access.model import DEFAULT_DAYS, NewToken, Role, Token
from hashsvc.bank.model import Page
from hashsvc.service.base import Base


class Access(Base):
    """The part of the service that administers tokens."""

    def create_token(self, name: str, role: Role, *, days: float = DEFAULT_DAYS, actor: str = "") -> NewToken:
        """Make a bearer token for a caller; its secret is told this once.

        Raises InvalidInputError (FIELD_REQUIRED, FIELD_TOO_LONG, FIELD_INVALID).
        """
        return self.tokens.create(name, role, days=days, actor=actor or self._actor)

    def list_tokens(self, *, page_size: int = 0, page_token: str = "") -> Page[Token]:
        """In order of identifier, without secrets. Raises PAGE_TOKEN_INVALID, FIELD_INVALID."""
        size = self._page_size(page_size)
        found = self.tokens.list(page_token, size + 1)
        token = found[size - 1].token if len(found) > size else ""
        return Page(items=tuple(found[:size]), next_page_token=token)

    def revoke_token(self, token: str, *, actor: str = "") -> Token:
        """Refuse a token, by its identifier, on every process from now on. Raises NotFoundError TOKEN_NOT_FOUND."""
        return self.tokens.revoke(token, actor=actor or self._actor)
