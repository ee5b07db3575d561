"""What the log says of a verdict: a msgpack map, as `index/README.md` describes it."""

import dataclasses
import datetime
import functools
from collections.abc import Callable, Mapping
from typing import Any

import msgpack

from hashsvc.bank import records
from hashsvc.bank.model import Bank, EntryState, Verdict
from hashsvc.decisions.model import DecisionKind, Ground, VerdictRecord
from hashsvc.fingerprint.model import Digests
from hashsvc.match.model import Excused, Match, Segment
from hashsvc_index import BankRecord

_VERSION = 1
_MOST_GROUNDS, _MOST_SEGMENTS, _MOST_EXCUSED = 64, 32, 32
_MOST_POLICY_BYTES = 256 << 10
_MOST_BYTES = 900 << 10
"""A decision has less than 1 MiB."""

_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "verdict": Verdict,
    "observed": lambda value: None if value is None else Verdict(value),
    "state": EntryState,
    "segments": lambda found: tuple(Segment(**one) for one in found),
}


def pack(record: VerdictRecord, actor: str, at: datetime.datetime) -> bytes:
    """What is logged of a verdict, within bounds: of very many matches the weakest are left out and counted."""
    most = _MOST_GROUNDS
    while len(packed := _packed(record, actor, at, most)) > _MOST_BYTES:
        most //= 2
    return packed


def unpack(fields: Mapping[str, Any]) -> VerdictRecord:
    """The inverse of `pack`, of its map."""
    return VerdictRecord(
        verdict=Verdict(fields["action"]),
        judged_revision=fields["judged_revision"],
        upload=fields["upload"],
        content_id=fields["content_id"],
        profile=fields["profile"],
        duration=fields["duration"],
        asked=tuple(fields["asked"]),
        policies=tuple(
            records.bank_of(BankRecord(bank=name, number=0, payload=payload, revision=revision))
            for name, revision, payload in fields["policies"]
        ),
        grounds=tuple(map(_ground, fields["grounds"])),
        omitted=fields["omitted"],
        excused=tuple(Excused(**_read(one)) for one in fields["excused"]),
        digests=Digests(md5=fields["md5"], sha256=fields["sha256"]),
        readings=tuple(one.hex() for one in fields["readings"]),
    )


def blocking(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Banks and entries whose matches are BLOCK; for whoever reads many records, without the rest of `unpack`."""
    matches = (one["match"] for one in fields["grounds"])
    return [(one["bank"], one["entry"]) for one in matches if one["verdict"] == Verdict.BLOCK]


def _packed(record: VerdictRecord, actor: str, at: datetime.datetime, most: int) -> bytes:
    fields = {
        "version": _VERSION,
        "kind": str(DecisionKind.VERDICT),
        "action": str(record.verdict),
        "actor": actor,
        "at": at,
        "judged_revision": record.judged_revision,
        "upload": record.upload,
        "content_id": record.content_id,
        "profile": record.profile,
        "duration": record.duration,
        "asked": record.asked,
        "policies": _policies(record),
        "grounds": [_fields(one) for one in record.grounds[:most]],
        "omitted": record.omitted + len(record.grounds[most:]),
        "excused": [_found_fields(one) for one in record.excused[:_MOST_EXCUSED]],
        "md5": record.digests.md5,
        "sha256": record.digests.sha256,
        "readings": [bytes.fromhex(one) for one in record.readings],
    }
    return bytes(msgpack.packb(fields, datetime=True))


def _policies(record: VerdictRecord) -> list[tuple[str, int, bytes]]:
    """As many as there is room for; the others are in the log too, where their banks were changed."""
    kept: list[tuple[str, int, bytes]] = []
    room = _MOST_POLICY_BYTES
    for bank in record.policies:
        payload = _policy(bank)
        room -= len(payload)
        if room < 0:
            break
        kept.append((bank.bank, bank.revision, payload))
    return kept


@functools.lru_cache(maxsize=64)
def _policy(bank: Bank) -> bytes:
    """A bank without its description. Banks seldom change, and a flood of verdicts is of few of them."""
    return records.bank_payload(dataclasses.replace(bank, description=""))


def _fields(ground: Ground) -> dict[str, Any]:
    return {**_flat(ground), "match": _found_fields(ground.match, _MOST_SEGMENTS)}


def _found_fields(found: Match | Excused, most: int | None = None) -> dict[str, Any]:
    """Fields, with at most so many segments."""
    return {**_flat(found), "segments": [_flat(one) for one in found.segments[:most]]}


def _flat(record: Any) -> dict[str, Any]:
    """Fields as they are. (`asdict` copies whatever it meets, and took longer than everything else here.)"""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _ground(fields: Mapping[str, Any]) -> Ground:
    return Ground(**{**fields, "match": Match(**_read(fields["match"])), "labels": tuple(fields["labels"])})


def _read(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as they are in Python, of those whose type msgpack does not know."""
    return {name: _TYPES[name](value) if name in _TYPES else value for name, value in fields.items()}
