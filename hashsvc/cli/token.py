"""hashsvc token: make, list and revoke the tokens with which callers prove who they are."""

from pathlib import Path

import click

from hashsvc.access.model import DEFAULT_DAYS, MAX_DAYS, NewToken, Role, Token
from hashsvc.cli import records
from hashsvc.cli.options import format_option, target_options
from hashsvc.cli.target import PAGE_SIZE, Choice, every


@click.group("token")
def command() -> None:
    """Make, list and revoke tokens.

    A token proves to a server who is calling and gives the caller a role. As soon as the first one was made, servers on
    the directory ask every caller for one. The command itself is then shown one in HASHSVC_TOKEN or --token-file;
    --data needs none.
    """


@command.command("create")
@target_options
@click.option("--name", required=True, metavar="NAME", help="Whose it is; changes are signed with it.")
@click.option("--role", required=True, type=click.Choice([one.value for one in Role]), help="What its owner may do.")
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True, max=MAX_DAYS),
    default=DEFAULT_DAYS,
    show_default=True,
    help="Until it expires.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the secret to this new file, for its owner only, and not on stdout.",
)
@format_option
def create(choice: Choice, name: str, role: str, days: float, output: Path | None, output_format: str) -> None:
    """Make a token, and show its secret: now and never again.

    \b
    hashsvc token create --data bank-data --name upload-path --role uploader --output upload.token
    """
    if output is not None and output.exists():
        raise click.BadParameter(f"{output} exists already", param_hint="--output")
    with choice.open(create=True) as target:
        made = target.operations.create_token(name, Role(role), days=days)
    if output is not None:
        _write(output, made)
    if output_format == "json":
        click.echo(records.in_json(records.token_record(made.token) if output else records.new_token_record(made)))
        return
    _show([made.token], output_format)
    if output is None:
        click.echo(made.secret)


@command.command("list")
@target_options
@format_option
def list_(choice: Choice, output_format: str) -> None:
    """Show all tokens without their secrets, revoked and expired ones too.

    \b
    hashsvc token list --data bank-data
    """
    with choice.open() as target:
        fetch = target.operations.list_tokens
        found = list(every(lambda token: fetch(page_size=PAGE_SIZE, page_token=token)))
    _show(found, output_format)


@command.command("revoke")
@target_options
@format_option
@click.argument("token")
def revoke(choice: Choice, token: str, output_format: str) -> None:
    """Revoke the token TOKEN, named as `list` does: calls with it are refused from now on, on every server.

    \b
    hashsvc token revoke --data bank-data 0123456789abcdef
    """
    with choice.open() as target:
        gone = target.operations.revoke_token(token)
    _show([gone], output_format)


def _write(output: Path, made: NewToken) -> None:
    """A file that only its owner can read, from its first byte on. When that fails the secret is lost: revoke it."""
    try:
        output.touch(mode=0o600, exist_ok=False)
        output.write_text(f"{made.secret}\n", encoding="ascii")
    except OSError as error:
        raise click.BadParameter(
            f"{output}: {error.strerror}; token {made.token.token} was made and its secret is lost, revoke it",
            param_hint="--output",
        ) from error


def _show(tokens: list[Token], output_format: str) -> None:
    if output_format == "json":
        for token in tokens:
            click.echo(records.in_json(records.token_record(token)))
        return
    from hashsvc.cli import tables

    tables.show(tables.tokens(tokens))
