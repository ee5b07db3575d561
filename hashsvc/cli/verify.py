"""hashsvc verify: do store and index agree?"""

import click

from hashsvc.cli import records
from hashsvc.cli.options import format_option, target_options
from hashsvc.cli.target import Choice

FAULTY = 1
"""Exit status when a fault was found."""


@click.command("verify")
@target_options
@format_option
def command(choice: Choice, output_format: str) -> None:
    """Check the store and the index against each other, and name every fault.

    Reads everything and changes nothing; a server may be running on the same directory. Exits with 1 when there is a
    fault. `--format json` prints one object: clean (true or false) and faults (a list of sentences).

    \b
    hashsvc verify --data bank-data
    """
    with choice.open() as target:
        faults = target.operations.verify()
    if output_format == "json":
        click.echo(records.in_json({"clean": not faults, "faults": faults}))
    else:
        for fault in faults:
            click.echo(fault)
        click.echo(f"{len(faults)} faults" if faults else "clean: store and index agree")
    click.get_current_context().exit(FAULTY if faults else 0)
