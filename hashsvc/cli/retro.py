"""hashsvc retro: which recent uploads show an entry?"""

import sys
import time

import click

from hashsvc.cli import records
from hashsvc.cli.options import bank_option, format_option, target_options
from hashsvc.cli.target import PAGE_SIZE, Choice, Operations, every
from hashsvc.retro.model import Hunt, HuntState

_POLL_SECONDS = 1.0


@click.command("retro")
@target_options
@bank_option
@click.option("--status", is_flag=True, help="Hunt for nothing: show what hunts so far have found.")
@click.option(
    "--follow", is_flag=True, help="As --status, once the hunt that a server has begun or will begin is over."
)
@format_option
@click.argument("entry")
def command(choice: Choice, bank: str, status: bool, follow: bool, output_format: str, entry: str) -> None:
    """Search recent uploads for an entry that was confirmed after they were let through.

    Uploads are kept for a while when they are matched with a content id. A server hunts by itself for whatever is
    confirmed; this command does so at once, prints the content ids with the verdict that each would get now, and
    leaves them on record. `--format json` prints one object a hit, then one of the hunt.

    \b
    hashsvc retro --data bank-data ENTRY
    hashsvc retro --server 127.0.0.1:50051 --follow --format json ENTRY
    """
    if status and follow:
        raise click.UsageError("give --status or --follow, not both")
    with choice.open() as target:
        operations = target.operations
        if status or follow:
            hunt = _ended(operations, bank, entry) if follow else operations.get_hunt(bank, entry)
        else:
            hunt = operations.hunt(bank, entry, progress=_tell)
        hits = every(lambda token: operations.list_hits(bank, entry, page_size=PAGE_SIZE, page_token=token))
        if output_format == "json":
            for hit in hits:
                click.echo(records.in_json(records.hit_record(hit)))
            click.echo(records.in_json(records.hunt_record(hunt)))
            return
        from hashsvc.cli import tables

        tables.show(tables.hits(hits))
        click.echo(_in_words(hunt))


def _ended(operations: Operations, bank: str, entry: str) -> Hunt:
    """The hunt, once it is over."""
    while (hunt := operations.get_hunt(bank, entry)).state not in (HuntState.DONE, HuntState.FAILED):
        _tell(hunt)
        time.sleep(_POLL_SECONDS)
    return hunt


def _tell(hunt: Hunt) -> None:
    """How far it is, on stderr, only where somebody watches."""
    if sys.stderr.isatty():
        click.echo(f"\r{hunt.searched} of {hunt.of} uploads, {hunt.hits} found ", err=True, nl=False)


def _in_words(hunt: Hunt) -> str:
    words = {
        HuntState.NONE: "nobody has hunted for it yet",
        HuntState.RUNNING: f"{hunt.searched} of {hunt.of} uploads searched so far",
        HuntState.DONE: f"{hunt.searched} uploads searched",
        HuntState.FAILED: f"not ended: {hunt.detail}",
    }
    return f"{words[hunt.state]}, {hunt.hits} found"
