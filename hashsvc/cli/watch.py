"""hashsvc watch: what happens, as it happens."""

import click

from hashsvc.cli.options import target_options
from hashsvc.cli.target import Choice


@click.command("watch")
@target_options
@click.option(
    "--after",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Begin after this event; 0 begins with the oldest that is kept. Without it: with what happens from now on.",
)
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only events of this type; may be repeated.")
@click.option("--bank", default="", metavar="BANK", help="Only events of this bank.")
@click.option("--entry", default="", metavar="ENTRY", help="Only events of this entry of the bank.")
@click.option("--stop-at-end", is_flag=True, help="End with the last event that there is, and wait for none.")
def command(
    choice: Choice, after: int | None, types: tuple[str, ...], bank: str, entry: str, stop_at_end: bool
) -> None:
    """Print events until interrupted: one CloudEvent, JSON, a line.

    Each has its `number` beside what the standard asks for: go on after the last one seen with --after.

    \b
    hashsvc watch --server 127.0.0.1:50051 --type org.hashsvc.entry.changed --bank default
    """
    from hashsvc.cli import records

    with choice.open() as target:
        events = target.operations.watch(after=after, types=types, bank=bank, entry=entry, stop_at_end=stop_at_end)
        try:
            for event in events:
                click.echo(records.in_json(records.event_record(event)))
        except KeyboardInterrupt:
            return
