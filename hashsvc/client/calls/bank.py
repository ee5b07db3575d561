"""The calls of BankService."""

from collections.abc import Collection, Sequence

from google.protobuf.field_mask_pb2 import FieldMask

from hashsvc.bank.model import Bank, BankMode, Details, Entry, Interval, Page, Policy
from hashsvc.bank.taxonomy import Taxonomy
from hashsvc.client.calls.call import Call, build
from hashsvc.errors import InvalidInputError
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.v1 import bank_service_pb2 as bank_pb
from hashsvc.wire.bank import (
    decode_bank,
    decode_entry,
    decode_taxonomy,
    encode_details,
    encode_interval,
    encode_mode,
    encode_policy,
)
from hashsvc.wire.fingerprint import encode_fingerprint


def create_bank(
    bank: str, description: str, policy: Policy, two_person: bool, mode: BankMode, taxonomy_only: bool
) -> Call[Bank]:
    """BankService.CreateBank; a second arrival would be BANK_EXISTS."""
    new = build(
        bank_pb.Bank,
        bank=bank,
        description=description,
        policy=encode_policy(policy),
        two_person=two_person,
        mode=encode_mode(mode),
        taxonomy_only=taxonomy_only,
    )
    return Call(
        method="BankService/CreateBank",
        request=bank_pb.CreateBankRequest(bank=new),
        response=bank_pb.CreateBankResponse,
        decode=lambda answer: decode_bank(answer.bank),
        repeatable=False,
    )


def list_labels() -> Call[Taxonomy]:
    """BankService.ListLabels."""
    return Call(
        method="BankService/ListLabels",
        request=bank_pb.ListLabelsRequest(),
        response=bank_pb.ListLabelsResponse,
        decode=decode_taxonomy,
    )


def get_bank(bank: str) -> Call[Bank]:
    """BankService.GetBank."""
    return Call(
        method="BankService/GetBank",
        request=build(bank_pb.GetBankRequest, bank=bank),
        response=bank_pb.GetBankResponse,
        decode=lambda answer: decode_bank(answer.bank),
    )


def list_banks(page_size: int, page_token: str) -> Call[Page[Bank]]:
    """BankService.ListBanks."""
    return Call(
        method="BankService/ListBanks",
        request=build(bank_pb.ListBanksRequest, page_size=page_size, page_token=page_token),
        response=bank_pb.ListBanksResponse,
        decode=lambda answer: Page(items=tuple(map(decode_bank, answer.banks)), next_page_token=answer.next_page_token),
    )


def update_bank(
    bank: str,
    description: str | None,
    policy: Policy | None,
    two_person: bool | None,
    mode: BankMode | None,
    taxonomy_only: bool | None,
    revision: int,
) -> Call[Bank]:
    """BankService.UpdateBank with a mask of what is not None; a second arrival would be REVISION_CONFLICT.

    With nothing to change the mask is empty, which means what is set: nothing.
    """
    values = {
        "description": description,
        "policy": None if policy is None else encode_policy(policy),
        "two_person": two_person,
        "mode": None if mode is None else encode_mode(mode),
        "taxonomy_only": taxonomy_only,
    }
    given = {path: value for path, value in values.items() if value is not None}
    new = build(bank_pb.Bank, bank=bank, revision=revision, **given)
    return Call(
        method="BankService/UpdateBank",
        request=bank_pb.UpdateBankRequest(bank=new, update_mask=FieldMask(paths=given)),
        response=bank_pb.UpdateBankResponse,
        decode=lambda answer: decode_bank(answer.bank),
        repeatable=False,
    )


def confirm(
    bank: str,
    fingerprint: Fingerprint,
    external_id: str,
    labels: Sequence[str],
    details: Details,
    exclusions: Sequence[Interval],
) -> Call[Entry]:
    """BankService.ConfirmEntry; the server recognises a second arrival by the SHA-256, where there is one."""
    return Call(
        method="BankService/ConfirmEntry",
        request=build(
            bank_pb.ConfirmEntryRequest,
            bank=bank,
            fingerprint=encode_fingerprint(fingerprint),
            external_id=external_id,
            labels=labels,
            details=_build_details(details),
            exclusions=intervals(exclusions),
        ),
        response=bank_pb.ConfirmEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=bool(fingerprint.digests.sha256),
    )


def confirm_media(
    bank: str, external_id: str, labels: Sequence[str], details: Details, exclusions: Sequence[Interval]
) -> Call[Entry]:
    """BankService.ConfirmEntryMedia, up to its bytes."""
    options = build(
        bank_pb.ConfirmEntryMediaOptions,
        bank=bank,
        external_id=external_id,
        labels=labels,
        details=_build_details(details),
        exclusions=intervals(exclusions),
    )
    return Call(
        method="BankService/ConfirmEntryMedia",
        request=bank_pb.ConfirmEntryMediaRequest(options=options),
        response=bank_pb.ConfirmEntryMediaResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
        long=True,
    )


def get_entry(bank: str, entry: str) -> Call[Entry]:
    """BankService.GetEntry."""
    return Call(
        method="BankService/GetEntry",
        request=build(bank_pb.GetEntryRequest, bank=bank, entry=entry),
        response=bank_pb.GetEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
    )


def list_entries(bank: str, review_due: bool, page_size: int, page_token: str) -> Call[Page[Entry]]:
    """BankService.ListEntries."""
    return Call(
        method="BankService/ListEntries",
        request=build(
            bank_pb.ListEntriesRequest, bank=bank, review_due=review_due, page_size=page_size, page_token=page_token
        ),
        response=bank_pb.ListEntriesResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_entry, answer.entries)), next_page_token=answer.next_page_token
        ),
    )


def withdraw(bank: str, entry: str, reason: str, revision: int) -> Call[Entry]:
    """BankService.WithdrawEntry; a second arrival would be ENTRY_WITHDRAWN."""
    return Call(
        method="BankService/WithdrawEntry",
        request=build(bank_pb.WithdrawEntryRequest, bank=bank, entry=entry, reason=reason, revision=revision),
        response=bank_pb.WithdrawEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def approve(bank: str, entry: str, reason: str, revision: int) -> Call[Entry]:
    """BankService.ApproveEntry; a second arrival would be ENTRY_STATE."""
    return Call(
        method="BankService/ApproveEntry",
        request=build(bank_pb.ApproveEntryRequest, bank=bank, entry=entry, reason=reason, revision=revision),
        response=bank_pb.ApproveEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def dispute(bank: str, entry: str, reason: str, revision: int) -> Call[Entry]:
    """BankService.DisputeEntry; a second arrival would be ENTRY_STATE."""
    return Call(
        method="BankService/DisputeEntry",
        request=build(bank_pb.DisputeEntryRequest, bank=bank, entry=entry, reason=reason, revision=revision),
        response=bank_pb.DisputeEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def reinstate(bank: str, entry: str, reason: str, revision: int) -> Call[Entry]:
    """BankService.ReinstateEntry; a second arrival would be ENTRY_STATE."""
    return Call(
        method="BankService/ReinstateEntry",
        request=build(bank_pb.ReinstateEntryRequest, bank=bank, entry=entry, reason=reason, revision=revision),
        response=bank_pb.ReinstateEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def set_exclusions(bank: str, entry: str, exclusions: Sequence[Interval], revision: int) -> Call[Entry]:
    """BankService.SetExclusions; a second arrival would be REVISION_CONFLICT, or undo what somebody else set since."""
    return Call(
        method="BankService/SetExclusions",
        request=build(
            bank_pb.SetExclusionsRequest,
            bank=bank,
            entry=entry,
            exclusions=intervals(exclusions),
            revision=revision,
        ),
        response=bank_pb.SetExclusionsResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def update_entry(
    bank: str,
    entry: str,
    labels: Sequence[str] | None,
    details: Details | None,
    fields: Collection[str] | None,
    revision: int,
) -> Call[Entry]:
    """BankService.UpdateEntry with a mask of what is given; a second arrival would be REVISION_CONFLICT."""
    paths = [] if labels is None else ["labels"]
    if details is not None:
        paths += ["details"] if fields is None else [f"details.{field}" for field in fields]
    new = build(
        bank_pb.Entry,
        bank=bank,
        entry=entry,
        revision=revision,
        labels=labels or (),
        details=None if details is None or not paths else _build_details(details),
    )
    return Call(
        method="BankService/UpdateEntry",
        request=bank_pb.UpdateEntryRequest(entry=new, update_mask=build(FieldMask, paths=paths)),
        response=bank_pb.UpdateEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def _build_details(details: Details) -> bank_pb.EntryDetails:
    try:
        return encode_details(details)
    except (TypeError, ValueError) as error:
        raise InvalidInputError("FIELD_INVALID", f"details: {error}") from error


def intervals(exclusions: Sequence[Interval]) -> list[bank_pb.Interval]:
    return [encode_interval(one) for one in exclusions]
