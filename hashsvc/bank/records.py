"""Banks, entries and fingerprints as the store keeps them: msgpack payloads, vectors and one blob an entry.

The keys are part of the format; `index/README.md` describes them.
"""

import dataclasses
import datetime
from typing import Any

import msgpack
import numpy as np
import numpy.typing as npt

from hashsvc.bank.card import RobustnessCard
from hashsvc.bank.model import (
    Bank,
    BankMode,
    Depth,
    Details,
    Entry,
    EntryState,
    Interval,
    Policy,
    Rule,
    StateChange,
    Verdict,
)
from hashsvc.errors import InvalidInputError
from hashsvc.fingerprint.encoding import decode, encode
from hashsvc.fingerprint.model import HASH_BYTES, Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc_index import BankRecord, EntryRecord
from hashsvc_index.records import MAX_PAYLOAD_BYTES

FINGERPRINT = "fingerprint"
"""Name of the blob that holds a fingerprint without the hashes that the vectors hold."""

_STORED_APART = ("revision",)


def now() -> datetime.datetime:
    """UTC, to the millisecond, as it is stored."""
    return _stored(datetime.datetime.now(datetime.UTC))


def moment(seconds: float) -> datetime.datetime:
    """Seconds since 1970, as `now` has them."""
    return _stored(datetime.datetime.fromtimestamp(seconds, datetime.UTC))


def _stored(moment: datetime.datetime) -> datetime.datetime:
    """The millisecond that has begun: whatever came first is never the later one."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def bank_payload(bank: Bank) -> bytes:
    """All of a bank but its revision, which is the record's."""
    return _packed(dataclasses.asdict(bank))


def bank_of(record: BankRecord) -> Bank:
    """The inverse of `bank_payload`."""
    fields = _unpacked(record.payload)
    fields["policy"] = _policy_of(fields["policy"])
    fields["mode"] = BankMode(fields.get("mode", BankMode.ENFORCE))  # banks of before there was a choice enforce
    return Bank(**fields, revision=record.revision)


def _policy_of(fields: dict[str, Any]) -> Policy:
    """Banks of before there was a choice have no depth, and none of before there were rules has any."""
    depth = Depth(fields.pop("depth", Depth.AUTO))
    rules = tuple(
        Rule(**{**one, "verdict": Verdict(one["verdict"]), "labels": tuple(one["labels"])})
        for one in fields.pop("rules", ())
    )
    return Policy(**fields, depth=depth, rules=rules)


def entry_payload(entry: Entry) -> bytes:
    """All of an entry but its revision, which is the record's.

    Raises InvalidInputError FIELD_TOO_LONG where all texts together, each within its bounds, are more than the store takes.
    """
    payload = _packed(dataclasses.asdict(entry))
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise InvalidInputError(
            "FIELD_TOO_LONG",
            f"labels, details, reason and the rest have {len(payload)} bytes, over {MAX_PAYLOAD_BYTES}",
            field="entry",
            limit=MAX_PAYLOAD_BYTES,
        )
    return payload


def entry_of(record: EntryRecord) -> Entry:
    """The inverse of `entry_payload`."""
    fields = _unpacked(record.payload)
    fields["state"] = EntryState(fields["state"])
    # Entries of before there was a history have none.
    fields["history"] = tuple(
        StateChange(**{**one, "state": EntryState(one["state"])}) for one in fields.get("history", ())
    )
    fields["labels"] = tuple(fields["labels"])
    fields["details"] = Details(**fields.get("details", {}))  # entries of before there were any have none
    # Entries of before there were exclusions have none.
    fields["exclusions"] = tuple(Interval(**one) for one in fields.get("exclusions", ()))
    if "card" in fields:  # entries of before there were cards have none
        fields["card"] = RobustnessCard.of(fields["card"])
    return Entry(**fields, revision=record.revision)


def split(fingerprint: Fingerprint) -> tuple[npt.NDArray[np.uint8], bytes]:
    """The hashes that pass the profile's quality gate, uint8 (n, 32) in order of frame and view, and all the rest.

    Hashes under the gate are no evidence in any use, and are not stored.
    """
    passed = fingerprint.quality >= profile_named(fingerprint.profile).quality_gate
    vectors = np.ascontiguousarray(fingerprint.hashes[passed])
    bare = dataclasses.replace(fingerprint, hashes=np.zeros((0, 1, HASH_BYTES), np.uint8))
    return vectors, encode(bare)


def join(vectors: npt.NDArray[np.uint8], blob: bytes) -> Fingerprint:
    """The inverse of `split`; hashes under the gate come back as zeros."""
    return decode(blob, lambda quality, profile: _filled(vectors, quality >= profile_named(profile).quality_gate))


def _filled(vectors: npt.NDArray[np.uint8], passed: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    hashes = np.zeros((*passed.shape, HASH_BYTES), np.uint8)
    hashes[passed] = vectors
    return hashes


def _packed(fields: dict[str, Any]) -> bytes:
    kept = {key: value for key, value in fields.items() if key not in _STORED_APART}
    return bytes(msgpack.packb(kept, datetime=True))


def _unpacked(payload: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = msgpack.unpackb(payload, timestamp=3)
    return fields
