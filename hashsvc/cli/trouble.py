"""Errors at the edge: one line for people, reason included, exit status 2; a traceback only for a bug."""

from typing import Any, Protocol

import click

from hashsvc.errors import HashsvcError

BAD_INPUT = 2
"""Exit status for bad usage or input."""


class Explained(Protocol):
    """What both error trees carry: `hashsvc.errors.HashsvcError` and `hashsvc_index.errors.StoreError`."""

    @property
    def reason(self) -> str: ...
    @property
    def message(self) -> str: ...


def explained(error: BaseException) -> Explained | None:
    """`error` when it was raised on purpose and can be told as it is; None for a bug."""
    if isinstance(error, HashsvcError):
        return error
    # Imported now: only a command that opened a store can have raised a StoreError.
    from hashsvc_index.errors import StoreError

    return error if isinstance(error, StoreError) else None


def in_one_line(error: Explained) -> str:
    """The message and its reason, without line breaks."""
    return f"{' '.join(error.message.split())} ({error.reason})"


class Guarded(click.Group):
    """A group whose commands end with one line on stderr and status 2 where they raise an error on purpose."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except Exception as error:
            known = explained(error)
            if known is None:
                raise
            click.echo(f"hashsvc: {in_one_line(known)}", err=True)
            ctx.exit(BAD_INPUT)
