"""hashsvc labels: what entries may be called."""

import click

from hashsvc.cli import records
from hashsvc.cli.options import format_option, target_options
from hashsvc.cli.target import Choice


@click.command("labels")
@target_options
@format_option
def command(choice: Choice, output_format: str) -> None:
    """Show the taxonomy: the labels that a bank made with --taxonomy-only takes, and those that are retired.

    It is the server's, or with --data the one that the configuration names.

    \b
    hashsvc labels --data bank-data
    """
    with choice.open() as target:
        taxonomy = target.operations.list_labels()
    if output_format == "json":
        for one in taxonomy.labels:
            click.echo(records.in_json(records.label_record(taxonomy, one)))
        return
    from hashsvc.cli import tables

    tables.show(tables.labels(taxonomy))
