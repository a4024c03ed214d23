"""The options of commands that create znodes."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from zkeeper.cli.transfer.target import Existing

_Result = TypeVar("_Result")


def target_options(function: Callable[..., _Result]) -> Callable[..., _Result]:
    """Adds the options; the command gets what they mean as `no_acls` and `existing`."""

    @wraps(function)
    def command(*args: Any, overwrites: bool, skips: bool, **others: Any) -> _Result:
        return function(*args, existing=_existing(overwrites, skips), **others)

    for option in (
        click.option(
            "--no-acls", is_flag=True, help="Give everybody all permissions, instead of the ACLs that come along."
        ),
        click.option("--overwrite", "overwrites", is_flag=True, help="Set data and ACL of znodes that exist."),
        click.option("--skip-existing", "skips", is_flag=True, help="Leave znodes that exist as they are."),
    ):
        command = option(command)
    return command


def _existing(overwrites: bool, skips: bool) -> Existing:
    if overwrites and skips:
        raise click.UsageError("--overwrite and --skip-existing contradict each other: give one of them")
    if overwrites:
        return Existing.OVERWRITE
    return Existing.SKIP if skips else Existing.FAIL
