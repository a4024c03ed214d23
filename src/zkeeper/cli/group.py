"""All subcommands of `zkeeper` by name. A table, so that help needs none of them and a subcommand only itself."""

from importlib import import_module
from typing import Final, NamedTuple

import click

from zkeeper import __version__


class Subcommand(NamedTuple):
    module: str
    summary: str


SUBCOMMANDS: Final = {
    "serve": Subcommand("zkeeper.cli.serve", "Run a server."),
    "ensemble": Subcommand("zkeeper.cli.ensemble.command", "Run an ensemble on this machine, for development."),
    "shell": Subcommand("zkeeper.cli.shell.command", "Commands of ZooKeeper's shell: one, a script, or by hand."),
    "status": Subcommand("zkeeper.cli.status.command", "Ask servers how they are."),
    "tree": Subcommand("zkeeper.cli.tree.command", "Show a subtree with sizes."),
    "bench": Subcommand("zkeeper.cli.bench.command", "Put load on servers and measure."),
    "copy": Subcommand("zkeeper.cli.transfer.copy_command", "Copy a subtree to other servers or another place."),
    "export": Subcommand("zkeeper.cli.transfer.export_command", "Write a subtree to a file."),
    "import": Subcommand("zkeeper.cli.transfer.import_command", "Create a subtree from a file."),
}
"""Each module but `serve` has a click command called `command`."""


class LazyGroup(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in SUBCOMMANDS:
            return None
        command = import_module(SUBCOMMANDS[name].module).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.summary) for name, one in SUBCOMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(__version__, prog_name="zkeeper", message="%(prog)s %(version)s")
def group() -> None:
    """Apache ZooKeeper in Python. `zkeeper COMMAND --help` explains each command."""
