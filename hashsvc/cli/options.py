"""Options that commands share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hashsvc.cli.target import Choice
from hashsvc.config import Settings

Command = Callable[..., Any]

config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="HASHSVC_CONFIG",
    show_envvar=True,
    help="TOML file with settings; the README lists them.",
)
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="HASHSVC_DATA",
    show_envvar=True,
    metavar="DIR",
    help="Work on this data directory, in this process.",
)
server_option = click.option(
    "--server", envvar="HASHSVC_SERVER", show_envvar=True, metavar="HOST:PORT", help="Ask this server."
)
format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="`table` for people; `json` prints one object a line on stdout and nothing else.",
)
bank_option = click.option("--bank", default="default", show_default=True, metavar="BANK", help="The bank.")
files_argument = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
revision_option = click.option(
    "--revision", type=click.IntRange(min=1), help="Refuse when it has changed since this revision."
)


def target_options(command: Command) -> Command:
    """Add --data, --server and --config; the command gets them as one `Choice`, its first argument."""

    @data_option
    @server_option
    @config_option
    @functools.wraps(command)
    def chosen(*args: Any, data: Path | None, server: str | None, config: Path | None, **kwargs: Any) -> Any:
        choice = choose(click.get_current_context(), data, server, Settings.load(config))
        return command(choice, *args, **kwargs)

    return chosen


def choose(ctx: click.Context, data: Path | None, server: str | None, settings: Settings) -> Choice:
    """Exactly one target; one given as an option wins over one from the environment. Raises click.UsageError."""
    if data is not None and server is not None:
        data_given = ctx.get_parameter_source("data") is ParameterSource.COMMANDLINE
        server_given = ctx.get_parameter_source("server") is ParameterSource.COMMANDLINE
        if data_given == server_given:
            raise click.UsageError("give --data DIR or --server HOST:PORT, not both", ctx)
        data, server = (data, None) if data_given else (None, server)
    if data is None and server is None:
        raise click.UsageError("give --data DIR or --server HOST:PORT (or set HASHSVC_DATA or HASHSVC_SERVER)", ctx)
    return Choice(data=data, server=server, settings=settings)
