"""How far a transfer is: a bar on the error stream, if that is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from zkeeper.cli.tree.lines import size_text


@contextmanager
def shown_progress(what: str, expected: int | None) -> Iterator[Callable[[int, int], None]]:
    """Yields a function to be told znodes and bytes so far."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from zkeeper.cli.console import make_console

    console = make_console(is_error_stream=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[size]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=expected, size="")
        yield lambda znodes, size_bytes: bar.update(task, completed=znodes, size=size_text(size_bytes))
