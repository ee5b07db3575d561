"""hashsvc report: what was decided, for the public."""

import datetime
from pathlib import Path

import click

from hashsvc.cli.moment import MOMENT, moment
from hashsvc.cli.options import target_options
from hashsvc.cli.records import in_json
from hashsvc.cli.target import Choice


@click.command("report")
@target_options
@click.option("--since", type=moment, required=True, metavar=MOMENT, help="The period includes this.")
@click.option("--until", type=moment, metavar=MOMENT, help="It ends before this; without it, now.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
    help="`markdown` to publish; `json` prints one object.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to this file, and not on stdout.",
)
def command(
    choice: Choice,
    since: datetime.datetime,
    until: datetime.datetime | None,
    output_format: str,
    output: Path | None,
) -> None:
    """Count what was decided in a period, and say which law asks for which figure, and what cannot be known here.

    Everything is counted from the decision log, which is verified. A time without a zone is UTC.

    \b
    hashsvc report --data bank-data --since 2026-01-01 --until 2027-01-01 --output 2026.md
    """
    from hashsvc.report.markdown import markdown

    with choice.open() as target:
        found = target.operations.report(since, until)
    if output_format == "json":
        from hashsvc.cli import decision_records

        text = in_json(decision_records.report_record(found)) + "\n"
    else:
        text = markdown(found)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{output}: {error.strerror}", param_hint="--output") from error
