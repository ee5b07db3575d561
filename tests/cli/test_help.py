"""Help texts, and what they cost."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from hashsvc.cli import main
from tests.cli.conftest import Invoke


def leaves(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize("path", [path for path, _ in leaves()], ids=" ".join)
def test_every_command_shows_an_example(invoke: Invoke, path: tuple[str, ...]) -> None:
    """The help of each command has a line that calls it."""
    result = invoke(*path, "--help")
    assert result.exit_code == 0
    assert any(line.strip().startswith(f"hashsvc {' '.join(path)}") for line in result.stdout.splitlines())


def test_every_option_is_explained() -> None:
    """No option without help."""
    for path, command in leaves():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.help, f"{' '.join(path)} {parameter.name}"


def test_help_loads_nothing_heavy() -> None:
    """`hashsvc --help` imports no decoder, index, gRPC, numpy or rich: a completion must not wait for them."""
    code = (
        "import sys, hashsvc.cli\n"
        "heavy = {'av', 'faiss', 'grpc', 'numpy', 'lmdb', 'numba', 'PIL', 'rich', 'structlog', 'hashsvc_index'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_runs_as_a_module() -> None:
    """`python -m hashsvc.cli` is the same command under the same name."""
    command = [sys.executable, "-m", "hashsvc.cli", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: hashsvc ")
