"""One call of a client: what is sent, and what comes of the answer."""

import dataclasses
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from hashsvc.errors import InvalidInputError

Result = TypeVar("Result")
Place = tuple[str, str]
"""Bank and entry."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Result]):
    """One call: where it goes, what it sends and what its answer means."""

    method: str
    """`Service/Method` of hashsvc.v1."""
    request: Message
    """The only message, or the first one of an upload."""
    response: type[Message]
    decode: Callable[[Any], Result]
    repeatable: bool = True
    """True when a second arrival changes nothing, so that the channel may retry it by itself."""
    long: bool = False
    """True for what takes minutes rather than seconds."""

    @property
    def path(self) -> str:
        """The HTTP/2 path."""
        return f"/hashsvc.v1.{self.method}"


def build(message: type[Message], **fields: Any) -> Any:
    """A message; what protobuf cannot hold (text that is not UTF-8, a negative revision) is FIELD_INVALID."""
    try:
        return message(**fields)
    except (TypeError, ValueError) as error:
        raise InvalidInputError("FIELD_INVALID", f"{message.__name__}: {error}") from error
