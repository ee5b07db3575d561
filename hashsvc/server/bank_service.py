"""BankService."""

import dataclasses
from collections.abc import AsyncIterator

from google.protobuf.field_mask_pb2 import FieldMask

from hashsvc.bank.details import FIELDS
from hashsvc.bank.model import Bank, Details, Entry
from hashsvc.errors import InvalidInputError
from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.server.gate import current_caller
from hashsvc.service import Service
from hashsvc.v1 import bank_service_pb2 as pb
from hashsvc.v1.bank_service_pb2_grpc import BankServiceServicer
from hashsvc.wire.bank import (
    POLICY_FIELDS,
    decode_details,
    decode_intervals,
    decode_mode,
    decode_policy,
    encode_bank,
    encode_entry,
    encode_taxonomy,
)
from hashsvc.wire.fingerprint import decode_fingerprint

_ENTRY_PATHS = frozenset({"labels", "details", *(f"details.{field}" for field in FIELDS)})
_MASK_PATHS = frozenset(
    {"description", "two_person", "mode", "taxonomy_only", "policy", *(f"policy.{field}" for field in POLICY_FIELDS)}
)


class BankServicer(BankServiceServicer):
    """Administers banks and entries through the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def CreateBank(self, request: pb.CreateBankRequest, context: Context) -> pb.CreateBankResponse:
        new = request.bank
        bank = await self._backend.store.run(
            self._service.create_bank,
            new.bank,
            description=new.description,
            policy=decode_policy(new.policy),
            two_person=new.two_person,
            mode=decode_mode(new.mode),
            taxonomy_only=new.taxonomy_only,
            actor=current_caller().name,
        )
        return pb.CreateBankResponse(bank=encode_bank(bank), revision=bank.revision)

    async def ListLabels(self, request: pb.ListLabelsRequest, context: Context) -> pb.ListLabelsResponse:
        return encode_taxonomy(await self._backend.store.run(self._service.list_labels))

    async def GetBank(self, request: pb.GetBankRequest, context: Context) -> pb.GetBankResponse:
        bank = await self._backend.store.run(self._service.get_bank, request.bank)
        return pb.GetBankResponse(bank=encode_bank(bank))

    async def ListBanks(self, request: pb.ListBanksRequest, context: Context) -> pb.ListBanksResponse:
        page = await self._backend.store.run(
            self._service.list_banks, page_size=request.page_size, page_token=request.page_token
        )
        return pb.ListBanksResponse(banks=map(encode_bank, page.items), next_page_token=page.next_page_token)

    async def UpdateBank(self, request: pb.UpdateBankRequest, context: Context) -> pb.UpdateBankResponse:
        bank = await self._backend.store.run(
            _update, self._service, request.bank, _mask(request), current_caller().name
        )
        return pb.UpdateBankResponse(bank=encode_bank(bank), revision=bank.revision)

    async def ConfirmEntry(self, request: pb.ConfirmEntryRequest, context: Context) -> pb.ConfirmEntryResponse:
        return await self._backend.store.run(_confirm, self._service, request, current_caller().name)

    async def ConfirmEntryMedia(
        self, request_iterator: AsyncIterator[pb.ConfirmEntryMediaRequest], context: Context
    ) -> pb.ConfirmEntryMediaResponse:
        service, uploads = self._service, self._backend.uploads
        options = (await uploads.options(request_iterator)).options
        labels, exclusions = tuple(options.labels), decode_intervals(options.exclusions)
        details = decode_details(options.details)
        # Before the bytes: an unknown bank should not cost the caller an upload.
        await self._backend.store.run(
            service.check_confirm,
            options.bank,
            external_id=options.external_id,
            labels=labels,
            details=details,
            exclusions=exclusions,
        )
        async with uploads.receive(request_iterator) as media:
            entry = await self._backend.media.run(
                service.confirm_media,
                options.bank,
                media,
                external_id=options.external_id,
                labels=labels,
                details=details,
                exclusions=exclusions,
                actor=current_caller().name,
            )
        return pb.ConfirmEntryMediaResponse(entry=encode_entry(entry), revision=entry.revision)

    async def GetEntry(self, request: pb.GetEntryRequest, context: Context) -> pb.GetEntryResponse:
        entry = await self._backend.store.run(self._service.get_entry, request.bank, request.entry)
        return pb.GetEntryResponse(entry=encode_entry(entry))

    async def ListEntries(self, request: pb.ListEntriesRequest, context: Context) -> pb.ListEntriesResponse:
        page = await self._backend.store.run(
            self._service.list_entries,
            request.bank,
            review_due=request.review_due,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListEntriesResponse(entries=map(encode_entry, page.items), next_page_token=page.next_page_token)

    async def WithdrawEntry(self, request: pb.WithdrawEntryRequest, context: Context) -> pb.WithdrawEntryResponse:
        entry = await self._backend.store.run(
            self._service.withdraw,
            request.bank,
            request.entry,
            reason=request.reason,
            revision=request.revision,
            actor=current_caller().name,
        )
        return pb.WithdrawEntryResponse(entry=encode_entry(entry), revision=entry.revision)

    async def ApproveEntry(self, request: pb.ApproveEntryRequest, context: Context) -> pb.ApproveEntryResponse:
        entry = await self._backend.store.run(
            self._service.approve,
            request.bank,
            request.entry,
            reason=request.reason,
            revision=request.revision,
            actor=current_caller().name,
        )
        return pb.ApproveEntryResponse(entry=encode_entry(entry), revision=entry.revision)

    async def DisputeEntry(self, request: pb.DisputeEntryRequest, context: Context) -> pb.DisputeEntryResponse:
        entry = await self._backend.store.run(
            self._service.dispute,
            request.bank,
            request.entry,
            reason=request.reason,
            revision=request.revision,
            actor=current_caller().name,
        )
        return pb.DisputeEntryResponse(entry=encode_entry(entry), revision=entry.revision)

    async def ReinstateEntry(self, request: pb.ReinstateEntryRequest, context: Context) -> pb.ReinstateEntryResponse:
        entry = await self._backend.store.run(
            self._service.reinstate,
            request.bank,
            request.entry,
            reason=request.reason,
            revision=request.revision,
            actor=current_caller().name,
        )
        return pb.ReinstateEntryResponse(entry=encode_entry(entry), revision=entry.revision)

    async def SetExclusions(self, request: pb.SetExclusionsRequest, context: Context) -> pb.SetExclusionsResponse:
        entry = await self._backend.store.run(
            self._service.set_exclusions,
            request.bank,
            request.entry,
            decode_intervals(request.exclusions),
            revision=request.revision,
            actor=current_caller().name,
        )
        return pb.SetExclusionsResponse(entry=encode_entry(entry), revision=entry.revision)

    async def UpdateEntry(self, request: pb.UpdateEntryRequest, context: Context) -> pb.UpdateEntryResponse:
        entry = await self._backend.store.run(_update_entry, self._service, request, current_caller().name)
        return pb.UpdateEntryResponse(entry=encode_entry(entry), revision=entry.revision)

    @property
    def _service(self) -> Service:
        return self._backend.service


def _confirm(service: Service, request: pb.ConfirmEntryRequest, actor: str) -> pb.ConfirmEntryResponse:
    if not request.HasField("fingerprint"):
        raise InvalidInputError("FIELD_REQUIRED", "a fingerprint is required", field="fingerprint")
    entry = service.confirm(
        request.bank,
        decode_fingerprint(request.fingerprint),
        external_id=request.external_id,
        labels=tuple(request.labels),
        details=decode_details(request.details),
        exclusions=decode_intervals(request.exclusions),
        actor=actor,
    )
    return pb.ConfirmEntryResponse(entry=encode_entry(entry), revision=entry.revision)


def _mask(request: pb.UpdateBankRequest) -> frozenset[str]:
    """The fields of a bank to change; without a mask, those that are set."""
    bank = request.bank
    plain = {name for name in ("description", "two_person", "mode", "taxonomy_only") if getattr(bank, name)}
    implied = plain | {f"policy.{field.name}" for field, _ in bank.policy.ListFields()}
    return _checked_mask(request.update_mask, _MASK_PATHS, implied)


def _checked_mask(mask: FieldMask, known: frozenset[str], implied: set[str]) -> frozenset[str]:
    """The paths of a mask, or those that are implied where there are none. Raises FIELD_INVALID for one that is not known."""
    paths = frozenset(mask.paths)
    for path in sorted(paths - known):
        raise InvalidInputError("FIELD_INVALID", f"update_mask cannot hold {path!r}", field="update_mask", value=path)
    return paths or frozenset(implied)


def _update_entry(service: Service, request: pb.UpdateEntryRequest, actor: str) -> Entry:
    """Change the masked fields of an entry, and no other, in one write."""
    new = request.entry
    implied = {f"details.{field.name}" for field, _ in new.details.ListFields()} | ({"labels"} if new.labels else set())
    mask = _checked_mask(request.update_mask, _ENTRY_PATHS, implied)
    fields = FIELDS if "details" in mask else [field for field in FIELDS if f"details.{field}" in mask]
    return service.update_entry(
        new.bank,
        new.entry,
        labels=tuple(new.labels) if "labels" in mask else None,
        details=decode_details(new.details) if fields else Details(),
        fields=fields,
        revision=new.revision,
        actor=actor,
    )


def _update(service: Service, new: pb.Bank, mask: frozenset[str], actor: str) -> Bank:
    """Change the masked fields of a bank, and no other, in one write."""
    policy, revision = None, new.revision
    if "policy" in mask:
        policy = decode_policy(new.policy)
    elif fields := [field for field in POLICY_FIELDS if f"policy.{field}" in mask]:
        # Part of a policy is written back under the revision that was read, so that a change by somebody else in
        # between is REVISION_CONFLICT and not lost.
        bank = service.get_bank(new.bank)
        revision = revision or bank.revision
        wanted = decode_policy(new.policy)
        policy = dataclasses.replace(bank.policy, **{field: getattr(wanted, field) for field in fields})
    description = new.description if "description" in mask else None
    two_person = new.two_person if "two_person" in mask else None
    return service.update_bank(
        new.bank,
        description=description,
        policy=policy,
        two_person=two_person,
        mode=decode_mode(new.mode) if "mode" in mask else None,
        taxonomy_only=new.taxonomy_only if "taxonomy_only" in mask else None,
        revision=revision,
        actor=actor,
    )
