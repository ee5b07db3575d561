"""hashsvc export: a bank's signals, as partners read them."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import click

from hashsvc.cli.options import target_options
from hashsvc.cli.target import Choice

FORMATS = ("vpdq", "local-file", "jsonl")


@click.command("export")
@target_options
@click.option("--bank", default="default", show_default=True, metavar="BANK", help="The bank.")
@click.option(
    "--format",
    "export_format",
    type=click.Choice(FORMATS),
    required=True,
    help="vpdq: one vPDQ signal a line. local-file: what the threatexchange client's local_file exchange reads. "
    "jsonl: one object an entry with every signal.",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write here, not on stdout."
)
def command(choice: Choice, bank: str, export_format: str, output: Path | None) -> None:
    """Export the signals of a bank's entries; withdrawn ones are left out.

    Only hashes, times and labels leave: no picture can be made from them. An output file is replaced when the export
    is complete, not before.

    \b
    hashsvc export --data bank-data --bank default --format local-file --output bank.txt
    """
    with choice.open() as target:
        lines = target.operations.export(bank, export_format)
        if output is None:
            for line in lines:
                click.echo(line)
        else:
            _replace(output, lines)


def _replace(output: Path, lines: Iterable[str]) -> None:
    """Write beside the file and rename, so that a reader never sees half an export."""
    unfinished = output.with_name(f".{output.name}.part")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        unfinished.replace(output)
    except OSError as error:
        raise click.BadParameter(f"{output}: {error.strerror}", param_hint="--output") from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()
