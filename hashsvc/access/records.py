"""Tokens as the store keeps them: msgpack payloads of documents of the kind `token`.

The keys are part of the format; `index/README.md` describes them.
"""

import dataclasses

import msgpack

from hashsvc.access.model import Role, Token
from hashsvc_index import DocumentRecord

KIND = "token"
_DIGEST = "sha256"


def token_payload(token: Token, digest: bytes) -> bytes:
    """All of a token but its identifier and revision, which are the record's, and the SHA-256 of its secret."""
    fields = {**dataclasses.asdict(token), _DIGEST: digest, "role": str(token.role)}
    del fields["token"], fields["revision"]
    payload: bytes = msgpack.packb(fields, datetime=True)
    return payload


def token_of(record: DocumentRecord) -> tuple[Token, bytes]:
    """The inverse of `token_payload`."""
    fields = msgpack.unpackb(record.payload, timestamp=3)
    digest = fields.pop(_DIGEST)
    fields["role"] = Role(fields["role"])
    return Token(**fields, token=record.name, revision=record.revision), digest
