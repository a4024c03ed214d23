"""The `zkeeper` command itself."""

import asyncio
from importlib import import_module

import click
import pytest
from cli_program import program

import zkeeper
from zkeeper.cli.group import SUBCOMMANDS


@pytest.mark.parametrize("name", [name for name in SUBCOMMANDS if name != "serve"])
def test_every_subcommand_can_be_called_and_explained(name: str) -> None:
    command = import_module(SUBCOMMANDS[name].module).command
    assert isinstance(command, click.Command)
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_help_version_and_what_is_neither() -> None:
    async def scenario() -> None:
        done = await program("--help")
        assert done.exit_code == 0
        assert [line.split()[0] for line in done.out.partition("Commands:\n")[2].splitlines()] == list(SUBCOMMANDS)
        assert await program("--version") == (0, f"zkeeper {zkeeper.__version__}\n", "")
        assert (await program("nonsense")).exit_code == 2
        assert "usage: zkeeper serve" in (await program("serve", "--help")).out

    asyncio.run(scenario())


def test_a_connect_string_that_is_wrong_is_told() -> None:
    done = asyncio.run(program("tree", "-s", "h:port"))
    assert (done.exit_code, "no port number" in done.err) == (2, True)
