"""The calls of RetroService."""

from collections.abc import Sequence

from hashsvc.bank.model import Interval, Page
from hashsvc.client.calls.bank import intervals
from hashsvc.client.calls.call import Call, build
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.retro.model import DryRun, Hit, Hunt
from hashsvc.v1 import retro_service_pb2 as retro_pb
from hashsvc.wire.fingerprint import encode_fingerprint
from hashsvc.wire.retro import decode_dry_run, decode_hit, decode_hunt


def hunt(bank: str, entry: str) -> Call[Hunt]:
    """RetroService.Hunt; each answer is how far it is."""
    return Call(
        method="RetroService/Hunt",
        request=build(retro_pb.HuntRequest, bank=bank, entry=entry),
        response=retro_pb.HuntResponse,
        decode=lambda answer: decode_hunt(answer.hunt),
        long=True,
    )


def get_hunt(bank: str, entry: str) -> Call[Hunt]:
    """RetroService.GetHunt."""
    return Call(
        method="RetroService/GetHunt",
        request=build(retro_pb.GetHuntRequest, bank=bank, entry=entry),
        response=retro_pb.GetHuntResponse,
        decode=lambda answer: decode_hunt(answer.hunt),
    )


def list_hits(bank: str, entry: str, page_size: int, page_token: str) -> Call[Page[Hit]]:
    """RetroService.ListHits."""
    return Call(
        method="RetroService/ListHits",
        request=build(retro_pb.ListHitsRequest, bank=bank, entry=entry, page_size=page_size, page_token=page_token),
        response=retro_pb.ListHitsResponse,
        decode=lambda answer: Page(items=tuple(map(decode_hit, answer.hits)), next_page_token=answer.next_page_token),
    )


def dry_run(bank: str, fingerprint: Fingerprint, exclusions: Sequence[Interval], labels: Sequence[str]) -> Call[DryRun]:
    """RetroService.DryRun."""
    return Call(
        method="RetroService/DryRun",
        request=build(
            retro_pb.DryRunRequest,
            bank=bank,
            fingerprint=encode_fingerprint(fingerprint),
            exclusions=intervals(exclusions),
            labels=labels,
        ),
        response=retro_pb.DryRunResponse,
        decode=decode_dry_run,
        long=True,
    )
