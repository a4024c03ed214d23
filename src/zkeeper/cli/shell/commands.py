"""The commands of the shell: names, usage texts and options. A table, and what is read from it.

1. Names and usage texts are zkCli's, byte for byte; scripts and people know them.
2. Everything else that is told about a command (help, completion) comes from this table.
3. Surplus positional arguments are ignored, as zkCli ignores them; too few are a `UsageError`.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from zkeeper.cli.shell.options import Option, Parsed, parse_options

USAGE_HEADER: Final = "ZooKeeper -server host:port -client-configuration properties-file cmd args"
MODES: Final = ("PERSISTENT", "PERSISTENT_RECURSIVE")


class Command(NamedTuple):
    name: str
    arguments: str
    """What the usage text has behind the name."""
    summary: str
    options: tuple[Option, ...] = ()
    min_positional: int = 0
    required_group: str | None = None
    usage_has_options: bool = False
    """Whether zkCli lists the options below the usage."""
    takes_path: bool = False
    needs_session: bool = True
    is_zkcli: bool = True
    """Whether zkCli has it, too."""

    @property
    def usage(self) -> str:
        return f"{self.name} {self.arguments}"


class UsageError(Exception):
    """Too few arguments; the text is the usage."""


_STAT = Option("s", "Print znode stats additionally")
_WATCH = Option("w", "Watch for changes on the znode")
_VERSION = Option("v", "Set with an expected version", "version")
_DELETE_VERSION = Option("v", "Delete only this version", "version")


def _limits(soft_or_hard_value: str | None) -> tuple[Option, ...]:
    helps = {"n": "num soft quota", "b": "bytes soft quota", "N": "num hard quota", "B": "bytes hard quota"}
    return tuple(Option(name, text, soft_or_hard_value, "limit") for name, text in helps.items())


_RECONFIG = (
    "[-s] [-v version] [[-file path] | [-members serverID=host:port1:port2;port3[,...]*]] | "
    "[-add serverId=host:port1:port2;port3[,...]]* [-remove serverId[,...]*]"
)
_MODE_HELP = "# optional mode is one of [PERSISTENT, PERSISTENT_RECURSIVE] - default is PERSISTENT_RECURSIVE"

_TABLE: Final = (
    Command(
        "addWatch",
        f"[-m mode] path {_MODE_HELP}",
        "watch a znode or a subtree",
        (Option("m", "Kind of watch", "mode"),),
        1,
        takes_path=True,
    ),
    Command("addauth", "scheme auth", "authenticate: addauth digest user:password", (), 1),
    Command("close", "", "close the session and stay in the shell"),
    Command(
        "config",
        "[-c] [-w] [-s]",
        "show the ensemble's configuration",
        (Option("c", "Client addresses only"), _WATCH, _STAT),
    ),
    Command("connect", "host:port", "open a new session, here or elsewhere", needs_session=False),
    Command(
        "create",
        "[-s] [-e] [-c] [-t ttl] path [data] [acl]",
        "create a znode",
        (
            Option("s", "Sequential"),
            Option("e", "Ephemeral"),
            Option("c", "Container"),
            Option("t", "Time to live in ms", "ttl"),
        ),
        1,
        takes_path=True,
    ),
    Command("delete", "[-v version] path", "delete a znode without children", (_DELETE_VERSION,), 1, takes_path=True),
    Command(
        "deleteall",
        "path [-b batch size]",
        "delete a znode and all below it",
        (Option("b", "Deletes in one transaction", "batch size"),),
        1,
        takes_path=True,
    ),
    Command("delquota", "[-n|-b|-N|-B] path", "remove a quota, or one limit of it", _limits(None), 1, takes_path=True),
    Command("exit", "", "leave the shell", needs_session=False, is_zkcli=False),
    Command(
        "get",
        "[-s] [-w] [-b] [-x] path",
        "show the data of a znode",
        (
            Option("b", "Output data in base64 format"),
            _STAT,
            _WATCH,
            Option("x", "Output data in hexdump format"),
        ),
        1,
        usage_has_options=True,
        takes_path=True,
    ),
    Command("getAcl", "[-s] path", "show the ACL of a znode", (_STAT,), 1, takes_path=True),
    Command("getAllChildrenNumber", "path", "count the znodes below a znode", (), 1, takes_path=True),
    Command("getEphemerals", "path", "list the ephemerals of this session", takes_path=True),
    Command("help", "[command]", "list the commands, or explain one", needs_session=False, is_zkcli=False),
    Command("history", "", "show the last commands", needs_session=False),
    Command("listquota", "path", "show the quota of a subtree", (), 1, takes_path=True),
    Command(
        "ls",
        "[-s] [-w] [-R] path",
        "list the children of a znode",
        (_STAT, _WATCH, Option("R", "The whole subtree")),
        1,
        takes_path=True,
    ),
    Command("printwatches", "on|off", "print watch events, or do not", needs_session=False),
    Command("quit", "", "leave the shell", needs_session=False),
    Command(
        "reconfig",
        _RECONFIG,
        "change the members of the ensemble",
        (
            _STAT,
            Option("v", "Change only this version of the configuration, in hexadecimal", "version"),
            Option("file", "A file with the new members", "path"),
            Option("members", "The new members", "members"),
            Option("add", "Members to add", "members"),
            Option("remove", "Ids of members to remove", "ids"),
        ),
    ),
    Command("redo", "cmdno", "run a command of the history again", needs_session=False),
    Command(
        "removewatches",
        "path [-c|-d|-a] [-l]",
        "remove watches from a znode",
        (
            Option("c", "Watches of the children"),
            Option("d", "Watches of the data"),
            Option("p", "Persistent watches"),
            Option("r", "Persistent recursive watches"),
            Option("a", "All of them"),
            Option("l", "Remove them here if there is no connection"),
        ),
        1,
        takes_path=True,
    ),
    Command(
        "set",
        "path data [-s] [-v version] [-b]",
        "set the data of a znode",
        (Option("b", "Supply data in base64 format"), _STAT, _VERSION),
        2,
        usage_has_options=True,
        takes_path=True,
    ),
    Command(
        "setAcl",
        "[-s] [-v version] [-R] path acl",
        "set the ACL of a znode, or of a subtree",
        (_STAT, Option("v", "Set with an expected version", "version"), Option("R", "The whole subtree")),
        2,
        takes_path=True,
    ),
    Command(
        "setquota",
        "-n|-b|-N|-B val path",
        "limit a subtree",
        _limits("value"),
        1,
        required_group="limit",
        takes_path=True,
    ),
    Command("stat", "[-w] path", "show the Stat of a znode", (_WATCH,), 1, takes_path=True),
    Command("sync", "path", "let the server catch up with the leader", (), 1, takes_path=True),
    Command("version", "", "show the version of the shell"),
    Command("whoami", "", "show who this connection is to the server"),
)

COMMANDS: Final[dict[str, Command]] = {command.name: command for command in _TABLE}


def find_command(name: str) -> Command | None:
    return COMMANDS.get(name)


def parse_command(command: Command, words: Sequence[str]) -> Parsed:
    """Sorts out the words behind the command's name. Raises `UsageError` or `OptionError`."""
    parsed = parse_options(command.options, words, command.required_group)
    if len(parsed.positional) < command.min_positional or (command.name == "version" and parsed.positional):
        raise UsageError(usage_text(command))
    return parsed


def usage_text(command: Command) -> str:
    """What zkCli prints when arguments are missing."""
    if not command.usage_has_options:
        return command.usage
    texts = {_option_column(option): option.help for option in sorted(command.options)}
    width = max(map(len, texts)) + 3
    return "\n".join([command.usage, *(f" {left:<{width}}{text}" for left, text in texts.items()), ""])


def _option_column(option: Option) -> str:
    return f"-{option.name} <arg>" if option.value else f"-{option.name}"


def all_usages() -> str:
    """The list of zkCli's commands, which follows a word that is no command."""
    listed = sorted(command.usage for command in _TABLE if command.is_zkcli)
    return "\n".join([USAGE_HEADER, *(f"\t{usage}" for usage in listed)])
