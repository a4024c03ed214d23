"""One run of the shell from start to end: a single command, piped lines, or a person at a terminal."""

import enum
import sys
from typing import NamedTuple

import click

from zkeeper.cli.connecting import Connecting
from zkeeper.cli.shell.error_texts import error_name
from zkeeper.cli.shell.reports import Failure, Report
from zkeeper.cli.shell.shell import FAILED, Shell, World
from zkeeper.cli.shell.sources import piped_lines
from zkeeper.cli.streams import speak_utf8
from zkeeper.errors import BadArgumentsError, ConnectionLossError


class Form(enum.Enum):
    """For whom the output is."""

    PEOPLE = "people"
    PLAIN = "plain"
    JSON = "json"


class Wishes(NamedTuple):
    """What the command line asks for."""

    servers: str
    connecting: Connecting
    form: Form
    waits: bool


async def run_shell(wishes: Wishes, words: list[str]) -> int:
    """Returns the exit code."""
    if not words and sys.stdin.isatty():
        from zkeeper.cli.shell.terminal import interact

        return await interact(wishes)
    report = make_report(wishes.form)
    if not words or wishes.form is Form.PLAIN:
        report.banner(wishes.servers)
    shell = make_shell(wishes, report, tells_states=not words or wishes.form is Form.PLAIN)
    try:
        return await _run(shell, wishes, report, words)
    finally:
        await shell.close()


async def _run(shell: Shell, wishes: Wishes, report: Report, words: list[str]) -> int:
    if wishes.waits and not await is_connected(shell, report, words):
        return FAILED
    if words:
        return await shell.run_words(words)
    if wishes.form is Form.PLAIN:
        report.welcome(False)
    async for line in piped_lines(sys.stdin):
        await shell.run_line(line)
        if shell.is_over:
            break
    return shell.exit_code


async def is_connected(shell: Shell, report: Report, words: list[str]) -> bool:
    """Whether there is a session before the timeout passes; tells if not, as the failure of `words`."""
    try:
        await shell.wait_until_connected()
    except ConnectionLossError as error:
        report.begin(words)
        report.fail(Failure(str(error), error_name(error), None, error.code))
        report.end(FAILED)
        return False
    return shell.is_alive


def make_shell(wishes: Wishes, report: Report, tells_states: bool) -> Shell:
    timeout_s, is_zkcli = wishes.connecting.timeout_ms / 1000, wishes.form is Form.PLAIN
    world = World(wishes.connecting.client, _read_file, timeout_s, is_zkcli)
    try:
        return Shell(wishes.servers, world, report, tells_states)
    except BadArgumentsError as error:
        raise click.BadParameter(str(error)) from None


def _read_file(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def make_report(form: Form) -> Report:
    """The report for one's standard output."""
    if form is Form.JSON:
        from zkeeper.cli.shell.reports.json_lines import JsonReport

        speak_utf8()
        return JsonReport(sys.stdout)
    if form is Form.PLAIN:
        from zkeeper.cli.shell.reports.plain import PlainReport

        return PlainReport(sys.stdout, sys.stderr)
    from zkeeper.cli.console import make_console
    from zkeeper.cli.shell.reports.people import PeopleReport

    return PeopleReport(make_console())
