"""The README says what the program does."""

import ast
import dataclasses
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from hashsvc.bank.model import Policy
from hashsvc.cli import main
from hashsvc.client import Client
from hashsvc.config import Settings

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language; an empty one for plain blocks."""
    fenced = README.split("\n```")[1::2]
    return [body for opening, _, body in (block.partition("\n") for block in fenced) if opening == language]


def command_lines() -> list[str]:
    """Every line of a plain block that calls hashsvc, without its comment."""
    return [
        line.split("  #")[0].strip()
        for block in blocks("")
        for line in block.splitlines()
        if line.startswith("hashsvc ")
    ]


@pytest.mark.parametrize("line", command_lines())
def test_command_line_parses(line: str) -> None:
    """Each command in the README names a command and options that there are."""
    words = shlex.split(line)[1:]
    command: click.Command = main
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    context = command.make_context(command.name, words)
    assert not context.args


def test_there_are_command_lines() -> None:
    """The parser above found the README's commands."""
    assert len(command_lines()) > 10


def test_every_command_is_named() -> None:
    """Each command and subcommand stands in the README."""
    for name, command in main.commands.items():
        if isinstance(command, click.Group):
            for sub in command.commands:
                assert f"hashsvc {name} {sub}" in README
        else:
            assert f"hashsvc {name}" in README or f"make {name}" in README


def test_every_setting_is_named_with_its_default() -> None:
    """Each setting stands in the README's table of its section, with the default that the code has."""
    settings = Settings()
    for section in dataclasses.fields(settings):
        table = README.partition(f"`[{section.name}]`")[2].partition("\n\n")[0]
        for setting in dataclasses.fields(getattr(settings, section.name)):
            row = re.search(rf"^\| `{setting.name}` \|.*\| ([^|]+) \|$", table, re.MULTILINE)
            assert row, f"[{section.name}] {setting.name} is not in the README"
            assert _value(row[1], type(setting.default)) == setting.default, setting.name


def test_the_default_policy_is_told() -> None:
    """The table of verdicts has the thresholds that a new bank gets."""
    policy = Policy()
    block = f"evidence <= {policy.block_evidence:g} and at least {policy.block_coverage * 100:.0f} % of the upload"
    assert block in README
    assert f"| evidence <= {policy.review_evidence:g} |" in README


def _value(written: str, kind: type[Any]) -> Any:
    """`16 MiB` and `120` as numbers, `true` as it is, `none` as what is empty of the kind."""
    if written.strip() == "none":
        return kind()
    if written.strip() in ("true", "false"):
        return written.strip() == "true"
    value, _, unit = written.strip().partition(" ")
    return float(value) * {"": 1, "MiB": 1 << 20, "GiB": 1 << 30}[unit]


def test_python_examples_call_what_there_is() -> None:
    """Python blocks compile, and every method that they call on a client exists."""
    assert blocks("python")
    for block in blocks("python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "client":
                assert hasattr(Client, node.attr)


def test_readme_is_finished() -> None:
    """No placeholder is left."""
    assert "<!-- measured -->" not in README
