"""hashsvc replay: would it be decided so again?"""

import click

from hashsvc.cli.options import format_option, target_options
from hashsvc.cli.records import in_json
from hashsvc.cli.target import Choice

DIFFERS = 1
"""Exit status when the answer is another than logged."""


@click.command("replay")
@target_options
@format_option
@click.argument("decision", type=click.IntRange(min=1))
def command(choice: Choice, output_format: str, decision: int) -> None:
    """Judge the upload of DECISION again, by the entries, states, exclusions and policies as they were.

    Takes the upload's fingerprint from the data directory, where it is kept for a time, and searches the entries of
    then exactly. Exits with 1 when the answer is another than logged; a decision that is no verdict, or whose
    fingerprint has expired, is an error.

    \b
    hashsvc replay --data bank-data 17
    """
    from hashsvc.cli import decision_records

    with choice.open() as target:
        found = target.operations.replay(decision)
    if output_format == "json":
        click.echo(in_json(decision_records.replay_record(found)))
    else:
        from hashsvc.cli import tables
        from hashsvc.match.model import MatchResult

        result = MatchResult(verdict=found.verdict, revision=found.revision, matches=found.matches)
        tables.show(tables.matches([(f"decision {found.decision}", result)]))
        for difference in found.differences:
            click.echo(difference)
        answer = "the same answer" if found.same else "another answer"
        click.echo(f"{answer} at revision {found.revision}: {found.logged} was logged, {found.verdict} is found")
    click.get_current_context().exit(0 if found.same else DIFFERS)
