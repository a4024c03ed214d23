"""What the tools say when something went wrong that is not their own fault."""

from collections.abc import Coroutine
from typing import Any, Final

import click

from zkeeper.cli.shell.error_texts import full_text
from zkeeper.errors import ZooKeeperError

EXIT_FAILED: Final = 1


class ToolError(Exception):
    """The tool cannot go on; the text says why and what to do."""


async def told_failures(coroutine: Coroutine[Any, Any, int]) -> int:
    """The coroutine's exit code; 1 after telling an error of servers, files or the request."""
    try:
        return await coroutine
    except ZooKeeperError as error:
        click.echo(full_text(error, error.path), err=True)
    except BrokenPipeError:
        raise
    except (ToolError, OSError) as error:
        click.echo(str(error), err=True)
    return EXIT_FAILED
