"""Making, reading and changing banks."""

import dataclasses

from hashsvc.bank import decisions, records, rules
from hashsvc.bank.model import Bank, BankMode, Page, Policy
from hashsvc.bank.taxonomy import Taxonomy
from hashsvc.events import payloads
from hashsvc.service.base import Base


class Banks(Base):
    """The part of the service that administers banks."""

    def create_bank(
        self,
        bank: str,
        *,
        description: str = "",
        policy: Policy = Policy(),
        two_person: bool = False,
        mode: BankMode = BankMode.ENFORCE,
        taxonomy_only: bool = False,
        actor: str = "",
    ) -> Bank:
        """Raises InvalidInputError (BANK_ID_INVALID, FIELD_TOO_LONG, FIELD_INVALID); BANK_EXISTS."""
        rules.check_bank_id(bank)
        moment = records.now()
        made = Bank(
            bank=bank,
            description=description,
            policy=policy,
            two_person=two_person,
            mode=mode,
            taxonomy_only=taxonomy_only,
            created_at=moment,
            updated_at=moment,
            revision=0,
        )
        rules.check_bank(made)
        logged = decisions.of_bank("create", actor or self._actor, None, made)
        told = payloads.bank_changed(self._outbox.source, made, "created").encode()
        revision = self._store.put_bank(
            bank, records.bank_payload(made), create=True, decisions=[logged], events=[told]
        )
        self._index.notify()
        return dataclasses.replace(made, revision=revision)

    def list_labels(self) -> Taxonomy:
        """The taxonomy, retired labels included."""
        return self._taxonomy

    def get_bank(self, bank: str) -> Bank:
        """Raises BANK_ID_INVALID, BANK_NOT_FOUND."""
        rules.check_bank_id(bank)
        return records.bank_of(self._store.get_bank(bank))

    def list_banks(self, *, page_size: int = 0, page_token: str = "") -> Page[Bank]:
        """In order of name. Raises InvalidInputError FIELD_INVALID for a negative page size."""
        size = self._page_size(page_size)
        if page_token:
            rules.check_bank_token(page_token)
        found = self._store.list_banks(page_token, size + 1)
        token = found[size - 1].bank if len(found) > size else ""
        return Page(items=tuple(records.bank_of(one) for one in found[:size]), next_page_token=token)

    def update_bank(
        self,
        bank: str,
        *,
        description: str | None = None,
        policy: Policy | None = None,
        two_person: bool | None = None,
        mode: BankMode | None = None,
        taxonomy_only: bool | None = None,
        revision: int = 0,
        actor: str = "",
    ) -> Bank:
        """Change what is not None. `revision` other than 0 must be the bank's last, else REVISION_CONFLICT.

        Raises what `create_bank` raises, and PreconditionError BANK_MODE for a change to or from `allow`.
        """
        before = self.get_bank(bank)
        changed = dataclasses.replace(
            before,
            description=before.description if description is None else description,
            policy=policy or before.policy,
            two_person=before.two_person if two_person is None else two_person,
            mode=mode or before.mode,
            taxonomy_only=before.taxonomy_only if taxonomy_only is None else taxonomy_only,
            updated_at=records.now(),
        )
        rules.check_bank(changed, before)
        # What was just read is what is changed: another's change in between is a conflict, not lost.
        payload = records.bank_payload(changed)
        written = self._store.put_bank(
            bank,
            payload,
            create=False,
            expected_revision=revision or before.revision,
            decisions=[decisions.of_bank("update", actor or self._actor, before, changed)],
            events=[payloads.bank_changed(self._outbox.source, changed, "updated").encode()],
        )
        self._index.notify()
        return dataclasses.replace(changed, revision=written)
