"""`zkeeper shell`, with options of its own and those of zkCli.

As zkCli does, it ignores unknown options before the command, and goes on with defaults after an option that lacks its
value.
"""

import sys
from typing import Final

import click

from zkeeper.cli.connecting import Connecting, connecting_options, servers_option
from zkeeper.cli.failures import told_failures
from zkeeper.cli.running import run

_WANT_VALUE: Final = frozenset({"-server", "-timeout", "-client-configuration"})


class ZkCliCommand(click.Command):
    """Forgives what zkCli forgives."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if args and args[-1] in _WANT_VALUE and not self._is_argument(args):
            click.echo(f"Error: no argument found for option {args[-1]}", err=True)
            args = args[:-1]
        return super().parse_args(context, args)

    def _is_argument(self, args: list[str]) -> bool:
        """Whether the last word belongs to the command: whether a command begins before it."""
        options = [option for option in self.params if isinstance(option, click.Option) and not option.is_flag]
        valued = {name for option in options for name in option.opts}
        at = 0
        while at < len(args) - 1:
            if not args[at].startswith("-"):
                return True
            at += 2 if args[at] in valued else 1
        return False


@click.command(
    cls=ZkCliCommand,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    short_help="Commands of ZooKeeper's shell.",
)
@servers_option("-server")
@connecting_options
@click.option("-r", "--read-only", "read_only", is_flag=True, help="Take a server that has no quorum, too.")
@click.option(
    "--wait-for-connection",
    "-waitforconnection",
    "waits",
    is_flag=True,
    help="Wait for a session before anything else; exit 1 if there is none in time.",
)
@click.option("--json", "form", flag_value="json", help="JSON for programs: one object on one line for each command.")
@click.option("--plain", "form", flag_value="plain", help="Exactly what zkCli prints; so too where no terminal is.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND [ARGUMENT]...]")
def command(
    servers: str,
    connecting: Connecting,
    read_only: bool,
    waits: bool,
    form: str | None,
    words: tuple[str, ...],
) -> None:
    """Run COMMAND, or the commands that standard input has, or what you type.

    The commands are those of ZooKeeper's own shell, zkCli; `zkeeper shell help` lists them. The exit code is that of
    the last command: 0 done, 1 failed, 127 unknown.
    """
    from zkeeper.cli.shell.session import Form, Wishes, run_shell

    connecting = connecting._replace(read_only=read_only)
    line = [word.encode(errors="surrogateescape").decode(errors="surrogateescape") for word in words]
    while line and line[0].startswith("-"):
        del line[0]
    if form is None:
        form = "people" if sys.stdout.isatty() else "plain"
    sys.exit(run(told_failures(run_shell(Wishes(servers, connecting, Form(form), waits), line))))
